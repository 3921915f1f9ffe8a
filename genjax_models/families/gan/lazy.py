r"""Lazy regularisation: a costly penalty $R$ on every $k$-th step only, with $k$ times its weight.

$$L_n = \ell_n + \begin{cases} k R_n & n \bmod k = 0 \\ 0 & \text{else} \end{cases}$$

On resting steps the term is zero, is not computed, and has no gradient; its mean over the steps is that of $R$. Loss
and penalty share an update here: the paper's correction of Adam, for penalties with updates of their own, is not due.

References:
  Karras et al., Analyzing and Improving the Image Quality of StyleGAN, 2020, appendix B, https://arxiv.org/abs/1912.04958
"""

from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp

from genjax_models.core.types import Array

S = TypeVar("S")


def lazy(step: Array, interval: int, penalty: Callable[[], Array]) -> Array:
    """`interval` times `penalty()` where `interval` divides `step`, and zeros of its shape elsewhere.

    Args:
      step: number of the step, from 0, `[]` int. Where a player moves on every m-th step of the trainer only, the
        number of its own move, `step // m`: else the two may never fall together.
      interval: k.
      penalty: without arguments, `[B]`.

    Raises:
      ValueError: if `interval` is less than 1.
    """
    return lazy_with_state(step, interval, lambda _: (penalty(), ()), ())[0]


def lazy_with_state(step: Array, interval: int, penalty: Callable[[S], tuple[Array, S]], state: S) -> tuple[Array, S]:
    """`lazy` for a penalty that carries a state, which is unchanged on the steps without penalty.

    Args:
      step: see `lazy`.
      interval: k.
      penalty: `state -> ([B], new state)`.
      state: a tree of arrays.

    Raises:
      ValueError: if `interval` is less than 1.
    """
    if interval < 1:
        raise ValueError(f"a penalty is due every 1, 2, ... steps, got interval={interval}")

    def due(state: S) -> tuple[Array, S]:
        value, new = penalty(state)
        return interval * value, jax.tree.map(lambda n, old: jnp.asarray(n, old.dtype), new, state)

    shape = jax.eval_shape(due, state)[0]
    rest = lambda state: (jnp.zeros(shape.shape, shape.dtype), state)
    return jax.lax.cond(step % interval == 0, due, rest, state)
