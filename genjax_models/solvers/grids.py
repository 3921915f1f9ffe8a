"""Time grids: descending times from noise (t = 1) to data (t = 0), `[num_steps + 1]`."""

from collections.abc import Sequence
from itertools import pairwise

import jax.numpy as jnp

from genjax_models.core.types import Array


def uniform_grid(num_steps: int, *, start: float = 1.0, end: float = 0.0) -> Array:
    """`num_steps` equal steps from `start` down to `end`: `[num_steps + 1]`.

    Raises:
      ValueError: if there is no step, or `end` is not below `start`.
    """
    _check(num_steps, start, end)
    return jnp.linspace(start, end, num_steps + 1)


def power_grid(num_steps: int, power: float = 2.0, *, start: float = 1.0, end: float = 0.0) -> Array:
    r"""Steps that shrink towards the data, $t_i = \mathrm{end} + (\mathrm{start} - \mathrm{end})(1 - i/N)^p$.

    `power=2` is the quadratic spacing of DDIM (Song et al., 2021, app. D.2, https://arxiv.org/abs/2010.02502).

    Raises:
      ValueError: if there is no step, or `end` is not below `start`, or `power` is not positive.
    """
    _check(num_steps, start, end)
    if power <= 0:
        raise ValueError(f"power must be positive, got {power}")
    return end + (start - end) * jnp.linspace(1.0, 0.0, num_steps + 1) ** power


def shifted_grid(num_steps: int, shift: float, *, start: float = 1.0, end: float = 0.0) -> Array:
    r"""A grid bent by $t' = s\,t / (1 + (s-1)\,t)$, its ends kept: `shift` above 1 has more steps near noise.

    Esser et al., 2024, eq. 23, https://arxiv.org/abs/2403.03206.

    Raises:
      ValueError: if there is no step, or `end` is not below `start`, or `shift` is not positive.
    """
    if shift <= 0:
        raise ValueError(f"shift must be positive, got {shift}")
    _check(num_steps, start, end)
    first, last = (t / (shift - (shift - 1.0) * t) for t in (start, end))
    t = jnp.linspace(first, last, num_steps + 1)
    return shift * t / (1.0 + (shift - 1.0) * t)


def given_grid(num_steps: int, times: Sequence[float]) -> Array:
    """These very times, `num_steps + 1` of them, descending.

    Raises:
      ValueError: if there are more or fewer, or they do not descend strictly within [0, 1].
    """
    if len(times) != num_steps + 1:
        raise ValueError(f"{num_steps} steps go through {num_steps + 1} times, got {len(times)}")
    if not all(1.0 >= t > s >= 0.0 for t, s in pairwise(times)):
        raise ValueError(f"times must descend strictly within [0, 1], got {list(times)}")
    return jnp.array(times, float)


def _check(num_steps: int, start: float, end: float) -> None:
    if num_steps < 1:
        raise ValueError(f"a time grid needs at least 1 step, got {num_steps}")
    if not 0.0 <= end < start <= 1.0:
        raise ValueError(f"a time grid runs from start down to end within [0, 1], got start={start}, end={end}")
