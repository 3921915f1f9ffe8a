r"""Strided convolutions from an image to a vector, and their mirror image: encoder, decoder and discriminator.

The encoder halves the resolution at each stage, rounding up, and ends with a dense layer; the decoder starts with one
and doubles it, cutting off the row and column that rounding added. So images may have any size. Each stage is a 3×3
convolution, group norm with a shift by the class, and silu: the networks of DCGAN with a norm that sees one example.

References:
  Radford et al., Unsupervised Representation Learning with Deep Convolutional GANs, 2016, https://arxiv.org/abs/1511.06434
"""

import math

import flax.linen as nn
import jax.numpy as jnp

from genjax_models.core.types import Array, Condition
from genjax_models.nets.layers.conditions import one_hot_of
from genjax_models.nets.layers.convolution import Conv3x3
from genjax_models.nets.layers.normalization import GroupNorm
from genjax_models.nets.layers.resampling import UpsampleConv


class Activate(nn.Module):
    """Group norm, shifted by the class, and silu.

    Attributes:
      groups: of the norm.
      dtype: of the computation; parameters stay float32.
    """

    groups: int = 8
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, h: Array, one_hot: Array) -> Array:
        """`h` `[B, H, W, C]` and the class `[B, K]`, where K may be 0 → `[B, H, W, C]`."""
        shift = None
        if one_hot.shape[1]:
            shift = nn.Dense(h.shape[-1], use_bias=False, dtype=self.dtype, name="class")(one_hot)
        return nn.silu(GroupNorm(self.groups, dtype=self.dtype, name="norm")(h, shift=shift))


class ConvEncoder(nn.Module):
    """From an image to a vector; with `out_shape=()` to one number, which makes it a discriminator.

    Attributes:
      out_shape: of the result of one example.
      channels: of each stage, the finest first; a stage halves height and width.
      groups: of every group norm; divides the channels.
      num_classes: 0 for an unconditional network; label `num_classes` means no class.
      dtype: of the computation; parameters stay float32.
    """

    out_shape: tuple[int, ...]
    channels: tuple[int, ...] = (32, 64)
    groups: int = 8
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
          `[B, *out_shape]`, in the dtype of `x`.
        """
        batch, h = x.shape[0], x.astype(self.dtype)
        one_hot = one_hot_of(cond, self.num_classes, batch)
        for stage, width in enumerate(self.channels):
            h = Conv3x3(width, stride=2, dtype=self.dtype, name=f"conv_{stage}")(h)
            h = Activate(self.groups, self.dtype, name=f"activate_{stage}")(h, one_hot)
        y = nn.Dense(math.prod(self.out_shape), dtype=self.dtype, name="out")(h.reshape(batch, -1))
        return y.reshape(batch, *self.out_shape).astype(x.dtype)


class ConvDecoder(nn.Module):
    """From a vector to an image.

    Attributes:
      out_shape: `(height, width, out_channels)` of the result.
      channels: of each stage, the coarsest first; each doubles height and width, the last into `out_channels`.
      groups: of every group norm; divides the channels.
      num_classes: 0 for an unconditional network; label `num_classes` means no class.
      dtype: of the computation; parameters stay float32.
    """

    out_shape: tuple[int, int, int]
    channels: tuple[int, ...] = (64, 32)
    groups: int = 8
    num_classes: int = 0
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        z: Array,
        t: Array | None = None,
        cond: Condition | None = None,
        *,
        train: bool = False,
    ) -> Array:
        """Evaluate the network.

        Args:
          z: `[B, ...]`, flattened inside.

        Returns:
          `[B, *out_shape]`, in the dtype of `z`.
        """
        batch, (height, width, out) = z.shape[0], self.out_shape
        one_hot = one_hot_of(cond, self.num_classes, batch)
        sizes = [(-(-height // 2**level), -(-width // 2**level)) for level in range(len(self.channels) + 1)][::-1]
        h = jnp.concatenate([z.reshape(batch, -1), one_hot], axis=1).astype(self.dtype)
        h = nn.Dense(math.prod(sizes[0]) * self.channels[0], dtype=self.dtype, name="in")(h)
        h = h.reshape(batch, *sizes[0], self.channels[0])
        for stage, (features, (rows, columns)) in enumerate(zip((*self.channels[1:], out), sizes[1:], strict=True)):
            h = Activate(self.groups, self.dtype, name=f"activate_{stage}")(h, one_hot)
            h = UpsampleConv(features, self.dtype, name=f"conv_{stage}")(h)[:, :rows, :columns]
        return h.astype(z.dtype)
