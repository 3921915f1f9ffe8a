r"""Classifier guidance: $\nabla\log p_t(x \mid y) = \nabla\log p_t(x) + g\,\nabla\log p_t(y \mid x)$."""

from collections.abc import Callable

import jax

from genjax_models.core.arrays import expand_as
from genjax_models.core.types import Array
from genjax_models.processes.denoiser import Denoiser


def classifier_guidance(
    denoiser: Denoiser, log_prob: Callable[[Array, Array], Array], guidance_scale: float = 1.0
) -> Denoiser:
    """A denoiser whose score is shifted by the gradient of a noise-conditional classifier.

    Args:
      denoiser: of the unconditional (or conditional) model.
      log_prob: `(x_t [B, ...], t [B]) -> log p(y | x_t) [B]` of the wanted class, from a noise-conditional classifier.
      guidance_scale: 1 is Bayes' rule, above 1 sharper (dimensionless).

    Returns:
      A denoiser of type `x0`. Where the process has no signal at all (`rectified_flow` at t = 1) the shift of x0 is
      unbounded: start below.

    References:
      Dhariwal and Nichol, Diffusion Models Beat GANs on Image Synthesis, 2021, section 4, https://arxiv.org/abs/2105.05233
    """

    def guided(x: Array, t: Array) -> Array:
        pull = jax.grad(lambda x: log_prob(x, t).sum())(x)
        slope, _ = denoiser.process.conversion("score", "x0", t)
        return denoiser(x, t, "x0") + expand_as(guidance_scale * slope, x) * pull

    return Denoiser(denoiser.process, guided, "x0")
