"""The one loop behind every sampler: a `lax.scan` over a time grid."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, overload

import jax
import jax.numpy as jnp
import numpy as np

from genjax_models.core.types import Array, Key, PyTree


class Sampler(NamedTuple):
    """A sampling algorithm: its initialisation, one step, and its properties.

    Attributes:
      init: `(x, grid) -> carry`, the steps' state besides the sample (such as earlier predictions), from the
        sample at `grid[0]` and the times `[N + 1]`; `()` if nothing.
      step: `(key, denoiser, carry, x, t, s) -> (x, carry)`, from time `t` down to `s`.
      evaluations: network evaluations of a step between two times with signal and noise, for reporting NFE; None where
        a tolerance decides. The first steps of a multistep method may take more, a step onto clean data fewer.
      needs_signal: whether a step divides by the signal at `t`, or by what is left of it: it cannot start from pure
        noise.
      needs_noise: whether a step has the length of the noise at `s`: one onto clean data changes nothing.
      stochastic: whether steps draw noise, so that the end does not follow from the start.
      steps_from_x0_and_eps: whether a step to `s` is a sum of the predicted clean data, the predicted noise and fresh
        noise, with coefficients of its own and no earlier prediction: what CFG++ needs.
    """

    init: Callable[[Array, Array], PyTree]
    step: Callable[[Key, Any, PyTree, Array, Array, Array], tuple[Array, PyTree]]
    evaluations: int | None = 1
    needs_signal: bool = False
    needs_noise: bool = False
    stochastic: bool = False
    steps_from_x0_and_eps: bool = False


def nothing(x: Array, grid: Array) -> tuple[()]:
    """The carry of a one-step sampler."""
    return ()


@overload
def sample(key: Key, denoiser: Any, x_init: Array, grid: Array, sampler: Sampler, *, keep: Literal[0] = 0) -> Array: ...


@overload
def sample(
    key: Key, denoiser: Any, x_init: Array, grid: Array, sampler: Sampler, *, keep: int
) -> tuple[Array, Array]: ...


def sample(
    key: Key, denoiser: Any, x_init: Array, grid: Array, sampler: Sampler, *, keep: int = 0
) -> Array | tuple[Array, Array]:
    """Run a sampler over a grid, as one scan: no host round trip, and memory that does not grow with the steps.

    Args:
      key: one typed PRNG key; step i uses `fold_in(key, i)`.
      denoiser: passed on to `sampler.step`, usually a `Denoiser`.
      x_init: the sample at `grid[0]`, `[B, ...]`, pure noise as a rule. The sample keeps its dtype; times are held,
        steps computed and the model called in float32 or wider.
      grid: descending times, `[N + 1]`.
      sampler: the algorithm.
      keep: how many states of the path to return as well, evenly spaced over the steps, the last always among them.

    Returns:
      The sample at `grid[-1]`, `[B, ...]`; with `keep`, a pair of it and the path `[keep, B, ...]`.

    Raises:
      ValueError: if `x_init` is not of real numbers, the grid has no step or does not descend (where its values are
        known), or `keep` exceeds the steps.
    """
    if not jnp.issubdtype(x_init.dtype, jnp.floating):
        raise ValueError(f"a sampler moves real numbers, got x_init of {x_init.dtype}: give it a float dtype")
    wide = jnp.promote_types(x_init.dtype, jnp.float32)
    times = grid if isinstance(grid, jax.core.Tracer) else np.asarray(grid)
    num_steps = times.shape[0] - 1
    if num_steps < 1:
        raise ValueError(f"a time grid needs at least 1 step, got {num_steps}")
    if isinstance(times, np.ndarray) and not bool(np.all(np.diff(times.astype(np.float64)) < 0)):
        raise ValueError("a sampling grid must descend strictly from noise to data")
    if not 0 <= keep <= num_steps:
        raise ValueError(f"keep must lie in [0, {num_steps}], the number of steps, got {keep}")

    grid = jnp.asarray(times, wide)

    # Step i's state goes to row `slots[i]` of the path; rows outside it are dropped.
    slots = np.full(num_steps, keep, np.int32)
    slots[np.linspace(0, num_steps, keep + 1).round().astype(int)[1:] - 1] = np.arange(keep)

    # The step's number is carried: as scanned input it would be an array as long as the grid.
    def body(state: tuple[Array, Array, PyTree, Array], _: None) -> tuple[tuple[Array, Array, PyTree, Array], None]:
        i, x, carry, path = state
        key_i = jax.random.fold_in(key, i)
        stepped, new = sampler.step(key_i, denoiser, carry, x.astype(wide), grid[i], grid[i + 1])
        x, carry = stepped.astype(x.dtype), jax.tree.map(_in_dtype_of, new, carry)
        if keep:
            path = path.at[jnp.asarray(slots)[i]].set(x, mode="drop")
        return (i + 1, x, carry, path), None

    path = jnp.zeros((keep, *x_init.shape), x_init.dtype)
    start = (jnp.zeros((), jnp.int32), x_init, sampler.init(x_init.astype(wide), grid), path)
    (_, x, _, path), _ = jax.lax.scan(body, start, None, length=num_steps)
    return (x, path) if keep else x


def _in_dtype_of(value: Array, old: Array) -> Array:
    return value if value.dtype == old.dtype else value.astype(old.dtype)
