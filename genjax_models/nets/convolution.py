"""Convolutions over images."""

from collections.abc import Callable

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


class Conv3x3(nn.Module):
    """`nn.Conv(features, (3, 3), strides, padding)`: the same parameters and function.

    Attributes:
      features: channels of the result.
      stride: the same along both axes.
      padding: zeros on each side.
      kernel_init: of the `[3, 3, C, features]` kernel.
      dtype: of the computation; parameters stay float32.
    """

    features: int
    stride: int = 1
    padding: int = 1
    kernel_init: Callable[..., Array] = nn.initializers.lecun_normal()
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`x` `[B, H, W, C]` → `[B, H', W', features]`; with padding 1, `H'` is `H / stride` rounded up."""
        kernel = self.param("kernel", self.kernel_init, (3, 3, x.shape[-1], self.features))
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        x, kernel, bias = (a.astype(self.dtype) for a in (x, kernel, bias))
        return convolve(x, kernel, stride=self.stride, padding=self.padding) + bias[None, None, None, :]
