r"""Equalised learning rate: weights of unit variance, brought to He's scale at run time.

With $n$ inputs to each output and the layer's learning rate multiplier $\lambda$,

$$y = \frac{\lambda}{\sqrt n}\, W x + \lambda\, b, \qquad W \sim N(0, \lambda^{-2}), \qquad b = b_0 / \lambda,$$

so that Adam, whose steps do not know the scale of a gradient, changes every layer at the same rate, or at $\lambda$
times that rate. The gain $\sqrt 2$ of He's scale is the activation's, which keeps the second moment of a normal input
(nearly: 1.04). Pixel norm brings each position's vector to unit mean square.

References:
  Karras et al., Progressive Growing of GANs, 2018, https://arxiv.org/abs/1710.10196, sections 4.1 and 4.2
  Karras et al., A Style-Based Generator Architecture for GANs, 2019, https://arxiv.org/abs/1812.04948, appendix C
"""

import math

import flax.linen as nn
import jax.numpy as jnp
from jax import lax

from genjax_models.core.types import Array
from genjax_models.nets.layers.convolution import convolve


def leaky_relu(x: Array) -> Array:
    """Slope 0.2 below zero, times the root of 2."""
    return nn.leaky_relu(x, 0.2) * math.sqrt(2)


def pixel_norm(x: Array) -> Array:
    """`x` `[..., C]` over the root of its mean square along C (and 1e-8)."""
    return x * lax.rsqrt(jnp.square(x).mean(axis=-1, keepdims=True) + 1e-8)


def equalized_kernel(layer: nn.Module, shape: tuple[int, ...], multiplier: float = 1.0) -> Array:
    """The parameter `kernel` `[..., inputs, outputs]` of `layer` at He's scale, without the gain of an activation."""
    kernel = layer.param("kernel", nn.initializers.normal(1 / multiplier), shape)
    return kernel * (multiplier / math.sqrt(math.prod(shape[:-1])))


class EqualizedDense(nn.Module):
    """A dense layer on the last axis.

    Attributes:
      features: width of the result.
      bias: what it starts at, or `None` for no bias.
      multiplier: of the learning rate.
      dtype: of the computation; parameters stay float32.
    """

    features: int
    bias: float | None = 0.0
    multiplier: float = 1.0
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`x` `[B, D]` → `[B, features]`."""
        y = x.astype(self.dtype) @ equalized_kernel(self, (x.shape[-1], self.features), self.multiplier).astype(
            self.dtype
        )
        if self.bias is None:
            return y
        bias = self.param("bias", nn.initializers.constant(self.bias / self.multiplier), (self.features,))
        return y + (self.multiplier * bias).astype(self.dtype)[None, :]


class EqualizedConv(nn.Module):
    """A convolution with a square kernel.

    Attributes:
      features: channels of the result.
      size: of the kernel.
      stride: the same along both axes.
      padding: zeros on each side.
      use_bias: whether there is one; it starts at zero.
      dtype: of the computation; parameters stay float32.
    """

    features: int
    size: int = 3
    stride: int = 1
    padding: int = 0
    use_bias: bool = True
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`x` `[B, H, W, C]` → `[B, H', W', features]`, see `convolve`."""
        kernel = equalized_kernel(self, (self.size, self.size, x.shape[-1], self.features)).astype(self.dtype)
        y = convolve(x.astype(self.dtype), kernel, stride=self.stride, padding=self.padding)
        if not self.use_bias:
            return y
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        return y + bias.astype(self.dtype)[None, None, None, :]
