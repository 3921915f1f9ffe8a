r"""Adaptive Runge-Kutta for $dx/dt = f(x, t)$: the steps are as long as the tolerances allow.

A step is accepted where its embedded error estimate $e$ has, for every example of every leaf,

$$\mathrm{rms}\!\left(\frac{e}{\mathrm{atol} + \mathrm{rtol}\,|x|}\right) < 1.$$

The batch is solved jointly, on the steps that its hardest example needs: an example's own result depends on its
neighbours by no more than the tolerances, and nobody's error hides in an average over the batch.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp

from genjax_models.core.arrays import at_least_float32
from genjax_models.core.optional import optional
from genjax_models.core.types import Array, PyTree

if TYPE_CHECKING:
    import diffrax


class Solution(NamedTuple):
    """Where an adaptive solve ended, and what it cost.

    Attributes:
      x: the state at the last time; NaN in every float if the steps ran out before it.
      nfe: evaluations of the field, an int32 scalar.
    """

    x: PyTree
    nfe: Array


def adaptive(
    f: Callable[[PyTree, Array], PyTree],
    x: PyTree,
    t: Array,
    s: Array,
    *,
    rtol: float = 1e-5,
    atol: float = 1e-5,
    solver: "diffrax.Tsit5 | diffrax.Dopri5 | None" = None,
    max_steps: int = 4096,
) -> Solution:
    """Integrate from `t` to `s`, forwards or backwards, with steps chosen by a PID controller.

    Running out of steps is no exception: compiled code could raise one only by a call back to the host, which keeps a
    program out of the compilation cache and ends in a page of XLA's own trace. The state becomes NaN instead, which
    no average hides, and `nfe` shows that the steps ran out. Reverse-mode gradients flow through the solve.

    Args:
      f: the field, `(x, t) -> dx/dt`, with `t` a scalar.
      x: the state at `t`: an array `[B, ...]` or a pytree of them, which keep their dtypes; times and steps are in
        float32 or wider.
      t: the first time, a scalar.
      s: the last time, on either side of `t`. `f` is never evaluated outside the two.
      rtol: error allowed in a step, relative to the state.
      atol: the same, absolute. In float32 neither is useful much below 1e-6.
      solver: `diffrax.Tsit5()`, the default, or `diffrax.Dopri5()` (the papers' `dopri5`).
      max_steps: most steps to try, rejected ones among them.

    Returns:
      `Solution(x, nfe)`.

    Raises:
      ValueError: if a tolerance is not positive or no step is allowed.
      MissingPackageError: if diffrax is not installed (the extra `solvers`).

    References:
      Tsitouras, Runge-Kutta pairs of order 5(4) satisfying only the first column simplifying assumption, 2011
      Kidger, On Neural Differential Equations, 2022, section 5.4, https://arxiv.org/abs/2202.02435
    """
    if rtol <= 0 or atol <= 0:
        raise ValueError(f"tolerances must be positive, got rtol={rtol} and atol={atol}")
    if max_steps < 1:
        raise ValueError(f"an adaptive solve needs at least 1 step, got max_steps={max_steps}")
    with optional("solvers"):
        import diffrax  # noqa: PLC0415 - takes as long to import as half of JAX

    start = jax.tree.map(at_least_float32, x)
    dtype = jnp.result_type(*jax.tree.leaves(start))
    t, s = jnp.asarray(t, dtype), jnp.asarray(s, dtype)
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(lambda t, x, _: f(x, jnp.asarray(t))),
        diffrax.Tsit5() if solver is None else solver,
        t,
        s,
        0.01 * (s - t),  # diffrax's own guess of a first step may look beyond s, where a process is not defined
        start,
        stepsize_controller=diffrax.PIDController(rtol=rtol, atol=atol, norm=_worst_example),
        max_steps=max_steps,
        throw=False,
    )
    done = solution.result == diffrax.RESULTS.successful
    end = jax.tree.map(lambda leaf, old: jnp.where(done, leaf[0], jnp.nan).astype(old.dtype), solution.ys, x)
    return Solution(end, 1 + 6 * solution.stats["num_steps"])  # of 7 stages the last is the next step's first


def _worst_example(error: PyTree) -> Array:
    squares = [jnp.max(jnp.mean(leaf**2, axis=tuple(range(1, leaf.ndim)))) for leaf in jax.tree.leaves(error)]
    return jnp.sqrt(jnp.max(jnp.stack(squares)))
