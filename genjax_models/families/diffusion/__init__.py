"""Diffusion models: denoising losses, ancestral and DDIM sampling, on any Gaussian process."""

from genjax_models.families.diffusion.losses import denoising_loss
from genjax_models.families.diffusion.samplers import ancestral, ddim

__all__ = ["ancestral", "ddim", "denoising_loss"]
