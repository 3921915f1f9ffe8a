r"""ESRGAN's generator: super-resolution by residual blocks in residual blocks, without normalisation.

A dense block has five 3×3 convolutions, each of which sees the block's input and all results before, with leaky ReLU of
slope 0.2 after all but the last; a block is three of them, and both are added to their input times 0.2:

$$d(x) = x + 0.2\,\mathrm{conv}_5([x, h_1, \dots, h_4]), \qquad y = x + 0.2\, (d_3(d_2(d_1(x))) - x).$$

The blocks' kernels start at a tenth of He's. Each doubling is nearest neighbour and a convolution.

References:
  Wang et al., ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks, 2018, https://arxiv.org/abs/1809.00219
"""

from functools import partial

import flax.linen as nn
import jax.numpy as jnp

from genjax_models.core.types import Array, Condition
from genjax_models.nets.layers.conditions import append_class
from genjax_models.nets.layers.convolution import Conv3x3
from genjax_models.nets.layers.resampling import UpsampleConv

RESIDUAL_SCALE = 0.2
SMALL = nn.initializers.variance_scaling(2.0 * 0.1**2, "fan_in", "normal")


class DenseBlock(nn.Module):
    """Five convolutions, each on the concatenated inputs and outputs of all earlier ones.

    Attributes:
      growth: channels of each but the last.
      dtype: of the computation; parameters stay float32.
    """

    growth: int
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`x` `[B, H, W, C]` → `[B, H, W, C]`."""
        conv, seen = partial(Conv3x3, kernel_init=SMALL, dtype=self.dtype), x
        for layer in range(4):
            h = nn.leaky_relu(conv(self.growth, name=f"conv_{layer}")(seen), 0.2)
            seen = jnp.concatenate([seen, h], axis=-1)
        return x + RESIDUAL_SCALE * conv(x.shape[-1], name="conv_4")(seen)


class RRDBNet(nn.Module):
    """From an image to one several times as large.

    Attributes:
      out_channels: `None` for as many as the input has.
      doublings: of height and width: 1 for twice, 2 for four times as large.
      width: channels between blocks.
      growth: see `DenseBlock`.
      depth: blocks, of three dense blocks each.
      num_classes: 0 for an unconditional network; otherwise the one-hot class is appended to every pixel.
      dtype: of the computation; parameters stay float32.
    """

    out_channels: int | None = None
    doublings: int = 1
    width: int = 64
    growth: int = 32
    depth: int = 23
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

        Returns:
          `[B, 2 ** doublings * H, 2 ** doublings * W, out_channels]`, not bounded, in the dtype of `x`.
        """
        out = x.shape[-1] if self.out_channels is None else self.out_channels
        conv = partial(Conv3x3, dtype=self.dtype)
        first = conv(self.width, name="in")(append_class(x, cond, self.num_classes))
        h = first
        for block in range(self.depth):
            y = h
            for i in range(3):
                y = DenseBlock(self.growth, self.dtype, name=f"block_{block}_{i}")(y)
            h = h + RESIDUAL_SCALE * (y - h)
        h = first + conv(self.width, name="trunk")(h)
        for i in range(self.doublings):
            h = nn.leaky_relu(UpsampleConv(self.width, self.dtype, name=f"up_{i}")(h), 0.2)
        h = nn.leaky_relu(conv(self.width, name="hidden")(h), 0.2)
        return conv(out, name="out")(h).astype(x.dtype)
