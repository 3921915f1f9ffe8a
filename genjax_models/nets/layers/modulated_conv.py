r"""Convolution whose kernel is scaled by a style, a factor for each input channel and example, and brought back.

The style $s$ modulates the kernel, and demodulation gives every output unit variance if the inputs have it:

$$w'_{kio} = s_i\, w_{kio}, \qquad w''_{kio} = \frac{w'_{kio}}{\sqrt{\sum_{ki} w'^2_{kio} + \epsilon}} \qquad (1), (3)$$

Every example has a kernel of its own then, which as such is one convolution with as many groups as examples. But it is
linear: scale the inputs, convolve with the kernel that all examples share, scale the outputs,

$$y_o = d_o \sum_{ki} w_{kio}\, (s_i x_i), \qquad d_o = \Big(\sum_i s_i^2 \sum_k w_{kio}^2 + \epsilon\Big)^{-1/2},$$

the same function of plain parts, each with derivatives of every order.

References:
  Karras et al., Analyzing and Improving the Image Quality of StyleGAN, 2020,
  https://arxiv.org/abs/1912.04958, section 2.2
"""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from genjax_models.core.arrays import at_least_float32
from genjax_models.core.types import Array
from genjax_models.nets.layers.convolution import convolve
from genjax_models.nets.layers.equalized import EqualizedDense, equalized_kernel


def modulated_convolve(
    x: Array, kernel: Array, style: Array, convolution: Callable[[Array, Array], Array], *, demodulate: bool = True
) -> Array:
    """Convolve each example with the kernel in its style.

    Args:
      x: `[B, H, W, C]`.
      kernel: `[k, k, C, D]`.
      style: `[B, C]`.
      convolution: `(x, kernel) -> [B, H', W', D]`, linear in both, such as `convolve`.
      demodulate: whether (3) follows (1).

    Returns:
      `[B, H', W', D]` in the dtype of `x`.
    """
    y = convolution(x * style[:, None, None, :].astype(x.dtype), kernel.astype(x.dtype))
    if not demodulate:
        return y
    with jax.named_scope("demodulation"):
        power = jnp.square(at_least_float32(style)) @ jnp.square(kernel).sum(axis=(0, 1))  # [B, D]
    return y * lax.rsqrt(power + 1e-8)[:, None, None, :].astype(x.dtype)


class ModulatedConv(nn.Module):
    """A modulated convolution and the affine map of its style; equalised learning rate.

    Attributes:
      features: channels of the result.
      convolution: see `modulated_convolve`.
      size: of the square kernel.
      demodulate: whether outputs are brought back to unit variance.
      dtype: of the computation; parameters stay float32.
    """

    features: int
    convolution: Callable[[Array, Array], Array] = convolve
    size: int = 3
    demodulate: bool = True
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array, w: Array) -> Array:
        """`x` `[B, H, W, C]` in the style of `w` `[B, W]` → `[B, H', W', features]`."""
        style = EqualizedDense(x.shape[-1], bias=1.0, dtype=self.dtype, name="style")(w)
        kernel = equalized_kernel(self, (self.size, self.size, x.shape[-1], self.features))
        return modulated_convolve(x, kernel, style, self.convolution, demodulate=self.demodulate)
