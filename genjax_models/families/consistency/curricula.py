r"""How many intervals a consistency loss divides time into during training, and the decay of its target's average.

With step k of K, first $a$ and at last $b$ intervals, those of the first paper (appendix C, where levels are counted,
$N + 1$, and $s_0 = a + 1$, $s_1 = b$) and of the second (section 3.4, $s_0 = a$, $s_1 = b$) are

$$N(k) = \Bigl\lceil \sqrt{\tfrac{k}{K}\bigl((b + 1)^2 - (a + 1)^2\bigr) + (a + 1)^2} - 1 \Bigr\rceil, \qquad
\mu(k) = \exp\frac{(a + 1)\log\mu_0}{N(k) + 1},$$

$$N(k) = \min\bigl(2^{\lfloor k / K' \rfloor} a, b\bigr), \qquad
K' = \Bigl\lfloor \frac{K}{\log_2\lfloor b / a \rfloor + 1} \Bigr\rfloor.$$

The step may be traced, so that a curriculum needs no new compilation.

References:
  Song et al., Consistency Models, 2023, https://arxiv.org/abs/2303.01469
  Song and Dhariwal, Improved Techniques for Training Consistency Models, 2023, https://arxiv.org/abs/2310.14189
"""

import math

import jax.numpy as jnp

from genjax_models.core.types import Array


def square_root_steps(step: int | Array, total_steps: int, *, first: int = 1, last: int = 150) -> Array:
    """The first paper's number of intervals, whose square grows evenly.

    Args:
      step: k, the training step, from 0.
      total_steps: K, the length of training.
      first: a, the number of intervals at the start.
      last: b, at the end.

    Returns:
      N, an integer scalar.

    Raises:
      ValueError: if there is no training step, or not 1 <= first <= last.
    """
    _check(total_steps, first, last)
    square = step / total_steps * ((last + 1) ** 2 - (first + 1) ** 2) + (first + 1) ** 2
    return jnp.ceil(jnp.sqrt(square) - 1.0).astype(jnp.int32)


def following_decay(num_steps: int | Array, *, first: int, decay: float) -> Array:
    r"""$\mu$, what the first paper's target keeps of its former self at `num_steps` intervals; `decay` is $\mu_0$."""
    return jnp.exp((first + 1) * math.log(decay) / (num_steps + 1))


def doubling_steps(step: int | Array, total_steps: int, *, first: int = 10, last: int = 1280) -> Array:
    """The second paper's number of intervals, which doubles at even spacings; all else is as in `square_root_steps`."""
    _check(total_steps, first, last)
    period = max(int(total_steps / (math.log2(last // first) + 1)), 1)
    done = jnp.minimum(step // period, math.ceil(math.log2(last / first)))
    return jnp.minimum(first * 2**done, last)


def _check(total_steps: int, first: int, last: int) -> None:
    if total_steps < 1:
        raise ValueError(f"total_steps must be at least 1, got {total_steps}")
    if not 1 <= first <= last:
        raise ValueError(f"intervals grow from first to last, got first={first}, last={last}")
