r"""Multistep consistency sampling: jump to the data, add noise, jump again.

$$\hat x_0 = f(x_t, t), \qquad
x_s = \alpha_s\Bigl(\hat x_0 + \sqrt{\hat\sigma_s^2 - \hat\sigma_\mathrm{min}^2}\;z\Bigr),
\qquad z \sim N(0, I), \quad \hat\sigma = \sigma/\alpha,$$

with no noise where $\hat\sigma_s \le \hat\sigma_\mathrm{min}$ (Song et al., 2023, algorithm 1,
https://arxiv.org/abs/2303.01469). One step from 1 to 0 is sampling with a single evaluation.
"""

import jax
import jax.numpy as jnp

from genjax_models.core.types import Array, Key
from genjax_models.families.consistency.parametrization import check_t_min
from genjax_models.processes.denoiser import Denoiser
from genjax_models.solvers.driver import Sampler, nothing


def multistep(t_min: float) -> Sampler:
    """Algorithm 1, for a consistency function as the denoiser: `Denoiser(process, f, "x0")`.

    Args:
      t_min: the time to which the function jumps, the one of `consistency_function`.

    Raises:
      ValueError: if `t_min` is not in [0, 1).
    """
    check_t_min(t_min)

    def step(key: Key, denoiser: Denoiser, carry: tuple[()], x: Array, t: Array, s: Array) -> tuple[Array, tuple[()]]:
        process = denoiser.process
        variance = process.scaled_sigma(s) ** 2 - process.scaled_sigma(jnp.full_like(s, t_min)) ** 2
        noise = jnp.sqrt(jnp.maximum(variance, 0.0)) * jax.random.normal(key, x.shape, x.dtype)
        return process.alpha(s) * (denoiser(x, t, "x0") + noise), carry

    return Sampler(nothing, step, stochastic=True)
