r"""Layers of unit spectral norm, by one step of power iteration a call.

With the kernel as a matrix W, a row an output (of a convolution: all taps and channels in a row),

$$v = \frac{W^\top u}{\Vert W^\top u \Vert}, \qquad u \leftarrow \frac{W v}{\Vert W v \Vert}, \qquad
\bar W = \frac{W}{\sigma}, \quad \sigma = u^\top W v \to \Vert W \Vert_2.$$

u is kept from call to call, in the collection `spectral`; a call to which that collection is immutable makes the same
step without keeping it. u and v are constants to the gradient, which is therefore
$\partial\sigma/\partial W = u v^\top$ (eq. 10 of the paper). The table of an embedding is the `SpectralDense` of
one-hot classes.

For a convolution this is not the norm of the map, but of its matrix, as in the paper; `lipschitz_conv` bounds the map.

References:
  Miyato et al., Spectral Normalization for Generative Adversarial Networks, 2018, https://arxiv.org/abs/1802.05957
"""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from genjax_models.core.types import Array
from genjax_models.nets.layers.convolution import convolve

TINY = 1e-12


def unit(x: Array) -> Array:
    """A vector over its norm; zeros stay zeros."""
    return x / (jnp.linalg.norm(x) + TINY)


@jax.named_scope("spectral_norm")
def normalized(layer: nn.Module, kernel: Array) -> Array:
    """A layer's kernel `[..., D]` over its norm, with one step of power iteration on the layer's `spectral/u` `[D]`."""
    held = layer.variable("spectral", "u", lambda: unit(jax.random.normal(layer.make_rng("params"), kernel.shape[-1:])))
    matrix = kernel.reshape(-1, kernel.shape[-1])  # the transpose of W
    constant = lax.stop_gradient(matrix)
    v = unit(constant @ held.value)
    u = unit(v @ constant)
    if layer.is_mutable_collection("spectral") and not layer.is_initializing():
        held.value = u
    return kernel / jnp.maximum(v @ matrix @ u, TINY)


class SpectralDense(nn.Module):
    """A dense layer whose matrix has norm 1.

    Attributes:
      features: of the result.
      use_bias: add one a feature, zero at the start.
      kernel_init: of the `[D, features]` kernel, before its normalisation.
      dtype: of the computation; the parameters and the norm stay float32.
    """

    features: int
    use_bias: bool = True
    kernel_init: Callable[..., Array] = nn.initializers.lecun_normal()
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`x` `[..., D]` → `[..., features]`."""
        kernel = normalized(self, self.param("kernel", self.kernel_init, (x.shape[-1], self.features)))
        y = x.astype(self.dtype).reshape(-1, x.shape[-1]) @ kernel.astype(self.dtype)
        if self.use_bias:
            y += self.param("bias", nn.initializers.zeros, (self.features,)).astype(self.dtype)[None]
        return y.reshape((*x.shape[:-1], self.features))


class SpectralConv(nn.Module):
    """A convolution whose matrix has norm 1.

    Attributes:
      features: channels of the result.
      size: of the square kernel.
      stride: the same along both axes.
      padding: zeros on each side.
      use_bias: add one a channel, zero at the start.
      kernel_init: of the `[size, size, C, features]` kernel, before its normalisation.
      dtype: of the computation; the parameters and the norm stay float32.
    """

    features: int
    size: int = 3
    stride: int = 1
    padding: int = 1
    use_bias: bool = True
    kernel_init: Callable[..., Array] = nn.initializers.lecun_normal()
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`x` `[B, H, W, C]` → `[B, H', W', features]` with `H' = (H + 2 padding - size) // stride + 1`."""
        shape = (self.size, self.size, x.shape[-1], self.features)
        kernel = normalized(self, self.param("kernel", self.kernel_init, shape)).astype(self.dtype)
        y = convolve(x.astype(self.dtype), kernel, stride=self.stride, padding=self.padding)
        if self.use_bias:
            y += self.param("bias", nn.initializers.zeros, (self.features,)).astype(self.dtype)[None, None, None]
        return y
