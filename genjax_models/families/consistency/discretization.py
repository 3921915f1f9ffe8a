r"""Which neighbouring times a consistency loss compares, and how many there are.

The times are evenly spaced, $t_n = t_\mathrm{min} + (1 - t_\mathrm{min})\,n/N$, $n = 0, ..., N$: on `edm()` these are
the noise levels of Karras et al. A position on [0, 1) picks the interval $[t_n, t_{n+1})$ that it falls into. The
number of intervals N may be traced, so that a curriculum needs no new compilation; the papers count levels, N + 1.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from genjax_models.core.types import Array, Key
from genjax_models.families.consistency.parametrization import check_t_min
from genjax_models.processes.gaussian import GaussianProcess

Position = Callable[[Key, int], Array]


def neighbours(key: Key, n: int, *, t_min: float, num_steps: int | Array, position: Position) -> tuple[Array, Array]:
    """Random neighbouring times `(t, s)` with `s < t`, each `[n]`.

    Raises:
      ValueError: if `t_min` is not in [0, 1), or there is no step (where the number is known).
    """
    check_t_min(t_min)
    if isinstance(num_steps, int) and num_steps < 1:
        raise ValueError(f"a consistency loss needs at least 1 step, got {num_steps}")
    index = jnp.minimum(jnp.floor(position(key, n) * num_steps), num_steps - 1)
    s, t = (t_min + (1.0 - t_min) * i / num_steps for i in (index, index + 1))
    return t, s


def lognormal_position(process: GaussianProcess, *, t_min: float, mean: float = -1.1, std: float = 2.0) -> Position:
    r"""Positions whose noise level is log-normal, $\log\hat\sigma \sim N(\mathrm{mean}, \mathrm{std}^2)$.

    The distribution is truncated to the smallest and the largest level. With any number of intervals, each has the
    probability

    $$\propto \mathrm{erf}\frac{\log\hat\sigma_{n+1} - \mathrm{mean}}{\sqrt2\,\mathrm{std}}
    - \mathrm{erf}\frac{\log\hat\sigma_n - \mathrm{mean}}{\sqrt2\,\mathrm{std}}.$$

    Raises:
      ValueError: if `t_min` is not in [0, 1), or `std` not positive.

    References:
      Song and Dhariwal, Improved Techniques for Training Consistency Models, 2023, section 3.5, https://arxiv.org/abs/2310.14189
    """
    check_t_min(t_min)
    if std <= 0:
        raise ValueError(f"std must be positive, got {std}")

    def draw(key: Key, n: int) -> Array:
        ends = -0.5 * process.log_snr(jnp.array([t_min, 1.0]))  # the smallest and the largest log noise level
        low, high = (ends - mean) / std
        level = mean + std * jax.random.truncated_normal(key, low, high, (n,))
        return (process.time_of(-2.0 * level) - t_min) / (1.0 - t_min)

    return draw
