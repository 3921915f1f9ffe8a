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
from genjax_models.solvers.driver import Sampler, nothing


def edm_heun(
    churn: float = 0.0, *, churn_min: float = 0.0, churn_max: float = math.inf, churn_noise: float = 1.0
) -> Sampler:
    r"""Algorithm 2 of the paper; without churn it is algorithm 1. Two evaluations a step, one for a step to no noise.

    The process must have signal at all times of the grid. Churn does not raise the noise above the process's most.

    Args:
      churn: the paper's $S_\mathrm{churn}/N$, how much a step raises its noise level, at most
        $\sqrt2 - 1$ of it.
      churn_min: the level $\tilde\sigma$ below which there is no churn.
      churn_max: and above which there is none.
      churn_noise: standard deviation of the fresh noise, slightly above 1 against lost detail.

    Raises:
      ValueError: if `churn` is negative or `churn_noise` not positive.
    """
    if churn < 0.0:
        raise ValueError(f"churn must not be negative, got {churn}")
    if churn_noise <= 0.0:
        raise ValueError(f"churn_noise must be positive, got {churn_noise}")
    gamma_max = min(churn, math.sqrt(2.0) - 1.0)

    def step(key: Key, denoiser: Denoiser, carry: tuple[()], x: Array, t: Array, s: Array) -> tuple[Array, tuple[()]]:
        process = denoiser.process

        def slope(x: Array, sigma: Array, t: Array) -> Array:  # line 7: d_i, in their coordinates
            return (x - denoiser(process.alpha(t) * x, t, "x0")) / sigma

        x, level = x / process.alpha(t), process.scaled_sigma(t)
        if churn:
            inside = (level >= churn_min) & (level <= churn_max)
            raised = level * (1.0 + jnp.where(inside, gamma_max, 0.0))  # line 5: sigma hat
            raised = jnp.minimum(raised, process.scaled_sigma(jnp.ones_like(t)))
            z = churn_noise * jax.random.normal(key, x.shape, x.dtype)
            x = x + jnp.sqrt((raised - level) * (raised + level)) * z  # line 6
            level, t = raised, process.time_of(-2.0 * jnp.log(raised))
        end = process.scaled_sigma(s)
        d = slope(x, level, t)
        euler = x + (end - level) * d  # line 8
        heun = lambda: x + (end - level) * 0.5 * (d + slope(euler, end, s))  # line 11
        return process.alpha(s) * jax.lax.cond(end > 0.0, heun, lambda: euler), carry

    return Sampler(nothing, step, 2)
