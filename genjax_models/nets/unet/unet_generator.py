r"""pix2pix's generator: down to a pixel or so and up again, with a skip across at every resolution.

Each level is, going down, leaky ReLU, a 4×4 convolution of stride 2 and an instance norm, and going up ReLU, a 4×4
transposed convolution of stride 2, an instance norm and dropout, after which the features of the same resolution from
the way down are appended. Neither the first nor the last level down has a norm. An odd side gets a row of zeros on the
way down, which is cut off on the way up; so images may have any size.

The paper's norm is batch norm, of batches of one image, which is an instance norm.

References:
  Isola et al., Image-to-Image Translation with Conditional Adversarial Networks, 2017, https://arxiv.org/abs/1611.07004
"""

import flax.linen as nn
import jax.numpy as jnp

from genjax_models.core.types import Array, Condition
from genjax_models.nets.layers.conditions import append_class
from genjax_models.nets.layers.convolution import Conv
from genjax_models.nets.layers.normalization import GroupNorm
from genjax_models.nets.layers.resampling import TransposedConv

INIT = nn.initializers.normal(0.02)


class UNetGenerator(nn.Module):
    """From an image to an image.

    Attributes:
      out_channels: of the result.
      channels: of each level, the finest first; a level halves height and width, rounding up.
      dropout: at every level up but the last.
      num_classes: 0 for an unconditional network; otherwise the one-hot class is appended to every pixel.
      dtype: of the computation; parameters stay float32.
    """

    out_channels: int
    channels: tuple[int, ...] = (64, 128, 256, 256)
    dropout: float = 0.5
    num_classes: int = 0
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
        """Evaluate the network.

        Args:
          x: `[B, H, W, C]`.
          train: whether dropout acts; it then needs `rngs={"dropout": key}`. It is the paper's only source of chance,
            for which it stays on when images are made.

        Returns:
          `[B, H, W, out_channels]` in [-1, 1], in the dtype of `x`.
        """
        last = len(self.channels) - 1
        h, skips = append_class(x, cond, self.num_classes), []
        for level, features in enumerate(self.channels):
            skips.append(h)
            h = nn.leaky_relu(h, 0.2) if level else h
            h = jnp.pad(h, ((0, 0), (0, h.shape[1] % 2), (0, h.shape[2] % 2), (0, 0)))
            h = Conv(features, 4, 2, 1, kernel_init=INIT, dtype=self.dtype, name=f"down_{level}")(h)
            if 0 < level < last:
                h = GroupNorm(features, dtype=self.dtype, name=f"norm_down_{level}")(h)
        for level in range(last, -1, -1):
            skip = skips[level]
            features = self.channels[level - 1] if level else self.out_channels
            up = TransposedConv(features, kernel_init=INIT, dtype=self.dtype, name=f"up_{level}")
            h = up(nn.relu(h))[:, : skip.shape[1], : skip.shape[2]]
            if level:
                h = GroupNorm(features, dtype=self.dtype, name=f"norm_up_{level}")(h)
                h = nn.Dropout(self.dropout, deterministic=not train)(h)
                h = jnp.concatenate([h, skip], axis=-1)
        return jnp.tanh(h).astype(x.dtype)
