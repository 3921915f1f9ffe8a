"""Thresholding: keep the predicted clean data inside the range of real data.

References:
  Saharia et al., Imagen, 2022, section 2.3, https://arxiv.org/abs/2205.11487
"""

import jax.numpy as jnp

from genjax_models.core.types import Array
from genjax_models.processes.denoiser import Denoiser


def static_threshold(denoiser: Denoiser, limit: float = 1.0) -> Denoiser:
    """A denoiser whose clean-data prediction is clipped to `[-limit, limit]`, DDPM's `clip_denoised`."""

    def clipped(x: Array, t: Array) -> Array:
        return jnp.clip(denoiser(x, t, "x0"), -limit, limit)

    return Denoiser(denoiser.process, clipped, "x0")


def dynamic_threshold(denoiser: Denoiser, quantile: float = 0.995, limit: float = 1.0) -> Denoiser:
    """Clip to a quantile of each example's own magnitudes, where that exceeds `limit`, and scale back to `limit`.

    Raises:
      ValueError: if `quantile` does not lie in (0, 1].
    """
    if not 0.0 < quantile <= 1.0:
        raise ValueError(f"quantile must lie in (0, 1], got {quantile}")

    def clipped(x: Array, t: Array) -> Array:
        x0 = denoiser(x, t, "x0")
        reach = jnp.quantile(jnp.abs(x0), quantile, axis=tuple(range(1, x.ndim)), keepdims=True)
        reach = jnp.maximum(reach, limit)
        return jnp.clip(x0, -reach, reach) * (limit / reach)

    return Denoiser(denoiser.process, clipped, "x0")
