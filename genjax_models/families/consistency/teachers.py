r"""One step of a teacher's probability-flow ODE, from times `t` down to `s`, both `[B]`.

In the scaled variables $y = x/\alpha$, $\hat\sigma = \sigma/\alpha$ the ODE is $dy/d\hat\sigma = \epsilon(x, t)$.
Euler's method in them is DDIM,

$$x_s = \alpha_s\,\hat x_0 + \sigma_s\,\hat\epsilon,$$

and Heun's adds $\tfrac12\alpha_s(\hat\sigma_s - \hat\sigma_t)(\hat\epsilon' - \hat\epsilon)$, with $\hat\epsilon'$
the noise that the teacher sees in DDIM's $x_s$.

References:
  Song et al., Denoising Diffusion Implicit Models, 2021, section 4.3, https://arxiv.org/abs/2010.02502
  Karras et al., Elucidating the Design Space of Diffusion-Based Generative Models, 2022, https://arxiv.org/abs/2206.00364
"""

from collections.abc import Callable

import jax.numpy as jnp

from genjax_models.core.arrays import expand_as
from genjax_models.core.types import Array
from genjax_models.processes.denoiser import Denoiser

Solver = Callable[[Denoiser, Array, Array, Array], Array]


def ddim_step(denoiser: Denoiser, x: Array, t: Array, s: Array) -> Array:
    """First order, one evaluation, none at `s`."""
    return denoiser.process.add_noise(*denoiser.x0_and_eps(x, t), s)


def heun_step(denoiser: Denoiser, x: Array, t: Array, s: Array) -> Array:
    """Second order, two evaluations; from `t` without signal DDIM's step. Needs noise at `s`."""
    process = denoiser.process
    x0, eps = denoiser.x0_and_eps(x, t)
    guess = process.add_noise(x0, eps, s)
    width = process.alpha(s) * (process.scaled_sigma(s) - process.scaled_sigma(t))
    width = jnp.where(jnp.isfinite(width), width, 0.0)
    return guess + 0.5 * expand_as(width, x) * (denoiser(guess, s, "eps") - eps)
