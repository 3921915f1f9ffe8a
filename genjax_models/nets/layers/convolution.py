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
      kernel: `[k, k, C, D]`, or `[k, k, C / G, D]` for G groups, each of D / G results that see their own C / G inputs.
      stride: the same along both axes.
      padding: zeros on each side.

    Returns:
      `[B, H', W', D]` with `H' = (H + 2 padding - k) // stride + 1`.
    """
    groups = x.shape[-1] // kernel.shape[2]
    if jax.default_backend() == "cpu":  # see `attention.attention` for why this is checked at trace time
        # Group by group: of 4 groups of 16 channels, with gradients, XLA's own takes 18 times as long.
        parts = zip(jnp.split(x, groups, axis=-1), jnp.split(kernel, groups, axis=-1), strict=True)
        results = [cpu.convolve(part, taps, stride, padding) for part, taps in parts]
        return results[0] if groups == 1 else jnp.concatenate(results, axis=-1)
    return lax.conv_general_dilated(
        x,
        kernel,
        (stride, stride),
        ((padding, padding), (padding, padding)),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=groups,
    )


class Conv(nn.Module):
    """`nn.Conv(features, (size, size), stride, padding, feature_group_count=groups)`: its parameters and function.

    Attributes:
      features: channels of the result.
      size: of the square kernel.
      stride: the same along both axes.
      padding: zeros on each side.
      groups: of channels that see each other; divides those of the input and the result.
      use_bias: add one a channel, zero at the start.
      kernel_init: of the `[size, size, C / groups, features]` kernel.
      dtype: of the computation; parameters stay float32.
    """

    features: int
    size: int
    stride: int = 1
    padding: int = 0
    groups: int = 1
    use_bias: bool = True
    kernel_init: Callable[..., Array] = nn.initializers.lecun_normal()
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`x` `[B, H, W, C]` → `[B, H', W', features]` with `H' = (H + 2 padding - size) // stride + 1`."""
        kernel = self.param(
            "kernel", self.kernel_init, (self.size, self.size, x.shape[-1] // self.groups, self.features)
        )
        y = convolve(x.astype(self.dtype), kernel.astype(self.dtype), stride=self.stride, padding=self.padding)
        if not self.use_bias:
            return y
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        return y + bias.astype(self.dtype)[None, None, None, :]


Conv3x3 = partial(Conv, size=3, padding=1)
"""The usual one: `H'` is `H / stride` rounded up."""
