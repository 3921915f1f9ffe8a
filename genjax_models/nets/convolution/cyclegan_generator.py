r"""CycleGAN's generator: from one image to another by residual blocks at a quarter of the resolution.

A 7×7 convolution, 3×3 ones of stride 2, residual blocks of two 3×3 ones, 4×4 transposed ones of stride 2 (in the paper
3×3), and a 7×7 one; all but the last are followed by an instance norm (each channel of each example on its own) and a
ReLU. What does not change the resolution sees its image reflected at the borders. A class, of which the paper has none,
shifts every norm: one appended to the pixels would be a constant, which the first norm removes.

References:
  Zhu et al., Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks, 2017,
  https://arxiv.org/abs/1703.10593
  Johnson et al., Perceptual Losses for Real-Time Style Transfer and Super-Resolution, 2016, https://arxiv.org/abs/1603.08155
"""

from functools import partial

import flax.linen as nn
import jax.numpy as jnp

from genjax_models.core.types import Array, Condition
from genjax_models.nets.layers.conditions import one_hot_of
from genjax_models.nets.layers.convolution import Conv
from genjax_models.nets.layers.normalization import GroupNorm
from genjax_models.nets.layers.resampling import TransposedConv, halved

INIT = nn.initializers.normal(0.02)


def reflect(x: Array, size: int) -> Array:
    """`x` `[B, H, W, C]` reflected at each border, without the border itself, by `size` pixels."""
    return jnp.pad(x, ((0, 0), (size, size), (size, size), (0, 0)), mode="reflect")


class CycleGANGenerator(nn.Module):
    """From an image to an image.

    Attributes:
      out_channels: of the result.
      width: channels at the full resolution; each halving doubles them.
      halvings: how often height and width are halved, and doubled again.
      depth: residual blocks at the lowest resolution.
      num_classes: 0 for an unconditional network; otherwise the class shifts every norm.
      dtype: of the computation; parameters stay float32.
    """

    out_channels: int
    width: int = 64
    halvings: int = 2
    depth: int = 6
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
          x: `[B, H, W, C]`, of more than 3 by 3 pixels, and more than 1 by 1 at the lowest resolution.

        Returns:
          `[B, H, W, out_channels]` in [-1, 1], in the dtype of `x`.

        Raises:
          ValueError: if the image cannot be halved so often.
        """
        halved(x.shape[1], x.shape[2], self.halvings)
        conv = partial(Conv, kernel_init=INIT, dtype=self.dtype)

        one_hot = one_hot_of(cond, self.num_classes, x.shape[0])

        def norm(h: Array, name: str) -> Array:
            shift, channels = None, h.shape[-1]
            if self.num_classes:
                shift = nn.Dense(channels, use_bias=False, dtype=self.dtype, name=f"class_{name}")(one_hot)
            return GroupNorm(channels, dtype=self.dtype, name=f"norm_{name}")(h, shift=shift)

        h = conv(self.width, 7, name="in")(reflect(x, 3))
        h = nn.relu(norm(h, "in"))
        for level in range(self.halvings):
            h = conv(self.width * 2 ** (level + 1), 3, 2, 1, name=f"down_{level}")(h)
            h = nn.relu(norm(h, f"down_{level}"))
        for block in range(self.depth):
            y = conv(h.shape[-1], 3, name=f"block_{block}_1")(reflect(h, 1))
            y = nn.relu(norm(y, f"block_{block}_1"))
            y = conv(h.shape[-1], 3, name=f"block_{block}_2")(reflect(y, 1))
            h = h + norm(y, f"block_{block}_2")
        for level in reversed(range(self.halvings)):
            up = TransposedConv(self.width * 2**level, kernel_init=INIT, dtype=self.dtype, name=f"up_{level}")
            h = nn.relu(norm(up(h), f"up_{level}"))
        h = conv(self.out_channels, 7, name="out")(reflect(h, 3))
        return jnp.tanh(h).astype(x.dtype)
