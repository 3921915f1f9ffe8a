r"""Solvers of the reverse-time SDE $dx = [f(t)\,x - g^2(t)\,\nabla\log p_t(x)]\,dt + g(t)\,d\bar w$.

A step onto clean data, $s = 0$, is the mean alone, as in the authors' code: the noise of a hundred steps' last one is
0.05 on `vp`, seven bytes.

References:
  Song et al., Score-Based Generative Modeling through SDEs, 2021, eq. 6 and app. E, https://arxiv.org/abs/2011.13456
"""

import jax
import jax.numpy as jnp

from genjax_models.core.types import Array, Key
from genjax_models.families.diffusion.samplers.ancestral import transition_variance
from genjax_models.processes.denoiser import Denoiser
from genjax_models.solvers.driver import Sampler, nothing


def euler_maruyama() -> Sampler:
    """The Euler-Maruyama scheme, of strong order one half.

    The signal must not vanish where a step starts, nor lose most of itself within a step, as on `sigmoid` at t = 1:
    there use `reverse_diffusion`.
    """

    def step(key: Key, denoiser: Denoiser, carry: tuple[()], x: Array, t: Array, s: Array) -> tuple[Array, tuple[()]]:
        process = denoiser.process
        g, h = process.diffusion(t), t - s
        reverse_drift = process.drift(x, t) - g**2 * denoiser(x, t, "score")
        noise = jnp.where(s > 0.0, g * jnp.sqrt(h), 0.0) * jax.random.normal(key, x.shape, x.dtype)
        return x - h * reverse_drift + noise, carry

    return Sampler(nothing, step, needs_signal=True, stochastic=True)


def reverse_diffusion() -> Sampler:
    r"""Reverse diffusion sampling: the forward chain's own discretisation, turned round.

    With the chain $x_t = a\,x_s + b\,z$ of the process, $x_s = (2 - a)\,x_t + b^2\,\nabla\log p_t(x_t) + b\,z$ (eq. 46;
    on `ddpm` and its own grid $a = \sqrt{1 - \beta}$, $b^2 = \beta$).
    """

    def step(key: Key, denoiser: Denoiser, carry: tuple[()], x: Array, t: Array, s: Array) -> tuple[Array, tuple[()]]:
        process = denoiser.process
        a, variance = process.alpha(t) / process.alpha(s), transition_variance(process, t, s)
        noise = jnp.where(s > 0.0, jnp.sqrt(variance), 0.0) * jax.random.normal(key, x.shape, x.dtype)
        return (2.0 - a) * x + variance * denoiser(x, t, "score") + noise, carry

    return Sampler(nothing, step, stochastic=True)
