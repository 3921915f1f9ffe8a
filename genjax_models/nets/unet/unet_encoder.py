r"""A classifier like ADM's: the downsampling half of the UNet, with its features pooled into logits.

It is conditioned on the noise level like the UNet, so it classifies noisy images, and its gradient can guide a sampler
(`guidance.classifier_guidance`).

References:
  Dhariwal and Nichol, Diffusion Models Beat GANs on Image Synthesis, 2021, section 4, https://arxiv.org/abs/2105.05233
"""

import flax.linen as nn
import jax.numpy as jnp

from genjax_models.core.patches import patchify
from genjax_models.core.types import Array, Condition
from genjax_models.nets.layers.conditions import check_fields
from genjax_models.nets.layers.convolution import Conv3x3
from genjax_models.nets.layers.embeddings import Conditioning
from genjax_models.nets.layers.normalization import GroupNorm
from genjax_models.nets.layers.resampling import downsample
from genjax_models.nets.unet.unet import AttentionBlock, ResBlock, check_halvings, identity


class UNetEncoder(nn.Module):
    """Logits of noisy images.

    The last level's features have attention, then are averaged over positions (the authors' `adaptive` pooling).

    Attributes:
      out_features: K, the number of logits.
      channels: at the highest resolution.
      patch_size: fold squares of pixels into channels first, see `UNet`.
      multipliers: of `channels`, one a level; each level halves the resolution of the one before.
      num_blocks: residual blocks a level.
      head_dim: width of an attention head.
      groups: of every group norm; divides every level's channels.
      dropout: see `ResBlock`.
      dtype: of the computation; parameters stay float32.
    """

    out_features: int
    channels: int = 64
    patch_size: int = 1
    multipliers: tuple[int, ...] = (1, 2, 2)
    num_blocks: int = 2
    head_dim: int = 64
    groups: int = 32
    dropout: float = 0.0
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        x: Array,
        t: Array | None = None,
        cond: Condition | None = None,
        *,
        train: bool = False,
    ) -> Array:
        """Classify.

        Args:
          x: `[B, H, W, C]`; H and W divisible by `patch_size * 2 ** (len(multipliers) - 1)`.
          t: `[B]` float, the time in [0, 1]; `None` for clean images.

        Returns:
          Logits `[B, K]` float32, zero before training.

        Raises:
          ValueError: if the image cannot be halved often enough.
        """
        check_fields(cond, ())
        x = patchify(x, self.patch_size)
        check_halvings(x, len(self.multipliers))
        emb = Conditioning(4 * self.channels, self.channels, dtype=self.dtype, name="conditioning")(t, None, x.shape[0])
        h = Conv3x3(self.channels, dtype=self.dtype, name="conv_in")(x.astype(self.dtype))
        for level, multiplier in enumerate(self.multipliers):
            for block in range(self.num_blocks):
                h = ResBlock(
                    multiplier * self.channels,
                    self.groups,
                    resize=downsample if level and not block else identity,
                    dropout=self.dropout,
                    dtype=self.dtype,
                    name=f"level_{level}_res_{block}",
                )(h, emb, train)
        h = AttentionBlock(self.head_dim, self.groups, dtype=self.dtype, name="attention")(h)
        h = nn.silu(GroupNorm(self.groups, dtype=self.dtype, name="norm_out")(h)).mean(axis=(1, 2))
        logits = nn.Dense(self.out_features, kernel_init=nn.initializers.zeros, dtype=self.dtype, name="logits")(h)
        return logits.astype(jnp.float32)
