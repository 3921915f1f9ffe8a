"""Noise for the details of an image: one normal map, added to every channel with learned strength."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from genjax_models.core.types import Array


class NoiseInjection(nn.Module):
    """Add noise to a feature map: drawn from the stream `noise` where there is one, otherwise the layer's own.

    Attributes:
      seed: of the layer's own noise, a constant that is in no checkpoint.
      per_channel: whether every channel has a strength (StyleGAN) or the layer has one (StyleGAN2); they start at zero.

    References:
      Karras et al., A Style-Based Generator Architecture for GANs, 2019, https://arxiv.org/abs/1812.04948, section 3.2
    """

    seed: int
    per_channel: bool = False

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`x` `[B, H, W, C]` → the same shape and dtype."""
        batch, height, width, channels = x.shape
        strength = self.param("strength", nn.initializers.zeros, (channels if self.per_channel else 1,))
        if self.has_rng("noise"):
            noise = jax.random.normal(self.make_rng("noise"), (batch, height, width, 1), x.dtype)
        else:
            fixed = np.random.RandomState(self.seed).standard_normal((1, height, width, 1))
            noise = jnp.asarray(fixed, x.dtype)
        return x + noise * strength.astype(x.dtype)[None, None, None, :]
