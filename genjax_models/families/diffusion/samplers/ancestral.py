r"""Ancestral and DDIM sampling, written for any Gaussian process and any step from $t$ to $s < t$.

With $\alpha_{ts} = \alpha_t/\alpha_s$ and $\sigma_{ts}^2 = \sigma_t^2 - \alpha_{ts}^2\sigma_s^2$, the true posterior is

$$q(x_s \mid x_t, x_0) = N\!\left(
  \frac{\alpha_{ts}\sigma_s^2}{\sigma_t^2}x_t + \frac{\alpha_s\sigma_{ts}^2}{\sigma_t^2}x_0,\;
  \frac{\sigma_{ts}^2\sigma_s^2}{\sigma_t^2} I\right)$$

(Kingma et al., 2021, app. A.2; Ho et al., 2020, eqs. 6 and 7 where $s$ and $t$ are neighbours).
"""

import jax
import jax.numpy as jnp

from genjax_models.core.arrays import expand_as
from genjax_models.core.types import Array, Key
from genjax_models.processes.denoiser import Denoiser
from genjax_models.processes.gaussian import GaussianProcess
from genjax_models.solvers.driver import Sampler, nothing


def transition_variance(process: GaussianProcess, t: Array, s: Array) -> Array:
    r"""$\sigma_{ts}^2 = \sigma_t^2 - (\alpha_t/\alpha_s)^2\sigma_s^2$, the noise the process adds from `s` to `t`."""
    return process.sigma(t) ** 2 - (process.alpha(t) / process.alpha(s) * process.sigma(s)) ** 2


def posterior_variance(process: GaussianProcess, t: Array, s: Array) -> Array:
    r"""$\sigma_{ts}^2\sigma_s^2/\sigma_t^2$, DDPM's $\tilde\beta$: zero at `s = 0`."""
    return transition_variance(process, t, s) * (process.sigma(s) / process.sigma(t)) ** 2


def posterior_mean(process: GaussianProcess, x0: Array, x_t: Array, t: Array, s: Array) -> Array:
    r"""Mean of $q(x_s \mid x_t, x_0)$, `[B, ...]`, for times `[B]` or scalar."""
    signal, noise = process.alpha(t) / process.alpha(s), process.sigma(s) / process.sigma(t)
    from_data = process.alpha(s) * (1.0 - (signal * noise) ** 2)
    from_noisy = signal * noise**2
    return expand_as(from_data, x0) * x0 + expand_as(from_noisy, x0) * x_t


def ancestral(*, large_variance: bool = False) -> Sampler:
    r"""DDPM's ancestral sampling (Ho et al., 2020, algorithm 2).

    Args:
      large_variance: use $\sigma_{ts}^2$ (the paper's $\beta_t$, optimal for data from a unit Gaussian) in place of
        the posterior's (optimal for a single data point). A step to `s = 0` then adds no noise, as the posterior's
        does not where the process starts without.
    """

    def step(key: Key, denoiser: Denoiser, carry: tuple[()], x: Array, t: Array, s: Array) -> tuple[Array, tuple[()]]:
        process = denoiser.process
        mean = posterior_mean(process, denoiser(x, t, "x0"), x, t, s)
        large = jnp.where(s > 0, transition_variance(process, t, s), 0.0)
        variance = large if large_variance else posterior_variance(process, t, s)
        return mean + jnp.sqrt(variance) * jax.random.normal(key, x.shape, x.dtype), carry

    return Sampler(nothing, step, stochastic=True)


def ddim(eta: float = 0.0) -> Sampler:
    r"""DDIM: $x_s = \alpha_s\hat x_0 + \sqrt{\sigma_s^2 - \eta^2\tilde\beta}\;\hat\epsilon + \eta\tilde\beta^{1/2} z$.

    `eta=0` is deterministic, `eta=1` has the ancestral sampler's variance (Song et al., 2021, eqs. 12 and 16,
    https://arxiv.org/abs/2010.02502).

    Raises:
      ValueError: if `eta` is not in [0, 1].
    """
    if not 0.0 <= eta <= 1.0:
        raise ValueError(f"eta must lie in [0, 1], got {eta}")

    def step(key: Key, denoiser: Denoiser, carry: tuple[()], x: Array, t: Array, s: Array) -> tuple[Array, tuple[()]]:
        process = denoiser.process
        x0, eps = denoiser.x0_and_eps(x, t)
        variance = eta**2 * posterior_variance(process, t, s)
        direction = jnp.sqrt(jnp.maximum(process.sigma(s) ** 2 - variance, 0.0))
        x = process.alpha(s) * x0 + direction * eps
        if eta:
            x = x + jnp.sqrt(variance) * jax.random.normal(key, x.shape, x.dtype)
        return x, carry

    return Sampler(nothing, step, stochastic=eta > 0.0, steps_from_x0_and_eps=True)
