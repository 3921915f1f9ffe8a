"""Thresholding: keep the predicted clean data inside the range of real data."""

import jax.numpy as jnp

from genjax_models.core.types import Array
from genjax_models.processes.denoiser import Denoiser


def static_threshold(denoiser: Denoiser, limit: float = 1.0) -> Denoiser:
    """A denoiser whose clean-data prediction is clipped to `[-limit, limit]`, DDPM's `clip_denoised`.

    References:
      Saharia et al., Imagen, 2022, section 2.3, https://arxiv.org/abs/2205.11487
    """

    def clipped(x: Array, t: Array) -> Array:
        return jnp.clip(denoiser(x, t, "x0"), -limit, limit)

    return Denoiser(denoiser.process, clipped, "x0")
