r"""Time grids that are even in the noise level of a process rather than in its time.

The noise-to-signal ratio $\tilde\sigma = \sigma/\alpha = e^{-\lambda/2}$ is what Karras et al. call $\sigma$.
"""

import jax
import jax.numpy as jnp

from genjax_models.core.types import Array
from genjax_models.processes.gaussian import GaussianProcess


def log_snr_grid(process: GaussianProcess, num_steps: int, *, start: float = 1.0, end: float = 1e-3) -> Array:
    """`num_steps` steps of equal log-SNR from time `start` down to `end`: `[num_steps + 1]`.

    The log-SNR must be finite at both; on `rectified_flow` start at 0.999, say.

    Raises:
      ValueError: if there is no step, `0 < end < start <= 1` does not hold, or the log-SNR is known to be infinite at
        an end.

    References:
      Lu et al., DPM-Solver, 2022, section 3.4, https://arxiv.org/abs/2206.00927
    """
    if num_steps < 1:
        raise ValueError(f"a time grid needs at least 1 step, got {num_steps}")
    if not 0.0 < end < start <= 1.0:
        raise ValueError(f"a log-SNR grid runs from start down to end within (0, 1], got start={start}, end={end}")
    first, last = process.log_snr(jnp.array([start, end]))
    if not isinstance(first, jax.core.Tracer) and not (jnp.isfinite(first) and jnp.isfinite(last)):
        raise ValueError(f"the log-SNR is {first} at start={start} and {last} at end={end}: say others, such as 0.999")
    inner = process.time_of(jnp.linspace(first, last, num_steps + 1)[1:-1])
    return jnp.concatenate([jnp.array([start]), inner, jnp.array([end])])


def karras_grid(
    process: GaussianProcess, num_steps: int, *, sigma_min: float = 0.002, sigma_max: float = 80.0, rho: float = 7.0
) -> Array:
    r"""EDM's grid, $\tilde\sigma_i^{1/\rho}$ evenly spaced from `sigma_max` to `sigma_min`, then t = 0.

    Both levels are kept inside what the process reaches; one that does not go below `sigma_min`, as `ve` may not,
    has its smallest noise in the place of the last step. `[num_steps + 1]`.

    Raises:
      ValueError: if there are fewer than 2 steps, or `0 < sigma_min < sigma_max` does not hold.

    References:
      Karras et al., 2022, eq. 5, https://arxiv.org/abs/2206.00364
    """
    if num_steps < 2:
        raise ValueError(f"EDM's grid needs at least 2 steps, got {num_steps}")
    if not 0.0 < sigma_min < sigma_max:
        raise ValueError(f"expected 0 < sigma_min < sigma_max, got {sigma_min} and {sigma_max}")
    reach = jnp.exp(-0.5 * process.log_snr(jnp.array([1.0, 0.0])))
    first, last = (jnp.clip(sigma, reach[1], reach[0]) ** (1.0 / rho) for sigma in (sigma_max, sigma_min))
    to_zero = jnp.append(jnp.linspace(first, last, num_steps), 0.0)
    to_last = jnp.linspace(first, last, num_steps + 1)
    levels = jnp.where(reach[1] < sigma_min, to_zero, to_last) ** rho
    return jnp.where(levels > 0.0, process.time_of(-2.0 * jnp.log(levels)), 0.0)
