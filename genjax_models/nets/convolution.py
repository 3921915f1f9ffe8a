"""Convolutions over images."""

from collections.abc import Callable
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from genjax_models.core import cpu
from genjax_models.core.types import Array


def convolve(x: Array, kernel: Array, *, stride: int = 1, padding: int = 0) -> Array:
    """Convolve (strictly, correlate) images with a square kernel.

    Args:
      x: `[B, H, W, C]`.
      kernel: `[k, k, C, D]`.
      stride: the same along both axes.
      padding: zeros on each side.

    Returns:
      `[B, H', W', D]` with `H' = (H + 2 padding - k) // stride + 1`.
    """
    if jax.default_backend() == "cpu":  # see `attention.attention` for why this is asked at trace time
        return cpu.convolve(x, kernel, stride, padding)
    pads = ((padding, padding), (padding, padding))
    return lax.conv_general_dilated(x, kernel, (stride, stride), pads, dimension_numbers=("NHWC", "HWIO", "NHWC"))


class Conv(nn.Module):
    """`nn.Conv(features, (size, size), stride, padding)`: the same parameters and function.

    Attributes:
      features: channels of the result.
      size: of the square kernel.
      stride: the same along both axes.
      padding: zeros on each side.
      use_bias: add one a channel, zero at the start.
      kernel_init: of the `[size, size, C, features]` kernel.
      dtype: of the computation; parameters stay float32.
    """

    features: int
    size: int
    stride: int = 1
    padding: int = 0
    use_bias: bool = True
    kernel_init: Callable[..., Array] = nn.initializers.lecun_normal()
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`x` `[B, H, W, C]` → `[B, H', W', features]` with `H' = (H + 2 padding - size) // stride + 1`."""
        kernel = self.param("kernel", self.kernel_init, (self.size, self.size, x.shape[-1], self.features))
        y = convolve(x.astype(self.dtype), kernel.astype(self.dtype), stride=self.stride, padding=self.padding)
        if not self.use_bias:
            return y
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        return y + bias.astype(self.dtype)[None, None, None, :]


Conv3x3 = partial(Conv, size=3, padding=1)
"""The usual one: `H'` is `H / stride` rounded up."""
