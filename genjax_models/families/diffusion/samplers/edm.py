r"""EDM's sampler: Heun's method on $d\tilde x/d\tilde\sigma = (\tilde x - \hat x_0)/\tilde\sigma$, with churn.

$\tilde x = x/\alpha$ and $\tilde\sigma = \sigma/\alpha$ make any process one of theirs, where $s(t) = 1$. A step first
raises the noise level by a factor $1 + \gamma$ with fresh noise, then goes down to the next level.

References:
  Karras et al., 2022, algorithms 1 and 2, https://arxiv.org/abs/2206.00364
"""

import math

import jax
import jax.numpy as jnp

from genjax_models.core.types import Array, Key
from genjax_models.processes.denoiser import Denoiser
from genjax_models.solvers.driver import Sampler


def edm_heun(s_churn: float = 0.0, *, s_min: float = 0.0, s_max: float = math.inf, s_noise: float = 1.0) -> Sampler:
    r"""Algorithm 2 of the paper, without churn algorithm 1. Two evaluations a step, one for a step to no noise.

    Each of the grid's N steps raises the noise level by $\gamma = \min(S_\mathrm{churn}/N, \sqrt2 - 1)$ of it, but not
    above the process's most. The process must have signal at all times of the grid.

    Args:
      s_churn: the paper's $S_\mathrm{churn}$, how much noise is replaced over the whole run.
      s_min: $S_\mathrm{tmin}$, the level $\tilde\sigma$ below which there is no churn.
      s_max: $S_\mathrm{tmax}$, above which there is none.
      s_noise: $S_\mathrm{noise}$, standard deviation of the fresh noise, slightly above 1 against lost detail.

    Raises:
      ValueError: if `s_churn` is negative or `s_noise` not positive.
    """
    if s_churn < 0.0:
        raise ValueError(f"s_churn must not be negative, got {s_churn}")
    if s_noise <= 0.0:
        raise ValueError(f"s_noise must be positive, got {s_noise}")

    def gamma(x: Array, grid: Array) -> Array:
        return jnp.asarray(min(s_churn / (grid.shape[0] - 1), math.sqrt(2.0) - 1.0), grid.dtype)

    def step(key: Key, denoiser: Denoiser, carry: Array, x: Array, t: Array, s: Array) -> tuple[Array, Array]:
        process = denoiser.process

        def slope(x: Array, sigma: Array, t: Array) -> Array:  # line 7: d_i, in their coordinates
            return (x - denoiser(process.alpha(t) * x, t, "x0")) / sigma

        x, level = x / process.alpha(t), process.scaled_sigma(t)
        if s_churn:
            inside = (level >= s_min) & (level <= s_max)
            raised = level * (1.0 + jnp.where(inside, carry, 0.0))  # line 5: sigma hat
            raised = jnp.minimum(raised, process.scaled_sigma(jnp.ones_like(t)))
            z = s_noise * jax.random.normal(key, x.shape, x.dtype)
            x = x + jnp.sqrt((raised - level) * (raised + level)) * z  # line 6
            level, t = raised, process.time_of(-2.0 * jnp.log(raised))
        end = process.scaled_sigma(s)
        d = slope(x, level, t)
        euler = x + (end - level) * d  # line 8
        heun = lambda: x + (end - level) * 0.5 * (d + slope(euler, end, s))  # line 11
        return process.alpha(s) * jax.lax.cond(end > 0.0, heun, lambda: euler), carry

    return Sampler(gamma, step, 2, needs_signal=True, stochastic=s_churn > 0.0)
