r"""Convolutions that contract: the branch of an invertible residual layer of images.

$$g(x) = \tilde K_3 * \phi(\tilde K_2 * \phi(\tilde K_1 * x + b_1) + b_2) + b_3, \qquad
\tilde K = K \min\!\left(1, \frac{c}{\sigma(K)}\right)$$

with kernels of 3, 1 and 3 pixels, $c^3 = \mathrm{coefficient}$ and LipSwish for $\phi$, as in the papers. An image with
a rim of zeros of the kernel's half width is a torus to the convolution, so that

$$\sigma(K) = \max_\omega \Vert \hat K(\omega) \Vert_2 \ge \Vert K * \Vert_2,$$

$\hat K(\omega)$ being the matrix of channels at a frequency of the rimmed image. Its norm is bounded as in
`lipschitz_mlp`. That takes $(H+1)(W+1)/2 \cdot C^3$ products an iteration, whatever the batch.

References:
  Behrmann et al., Invertible Residual Networks, 2019, https://arxiv.org/abs/1811.00995
  Chen et al., Residual Flows for Invertible Generative Modeling, 2019, https://arxiv.org/abs/1906.02735
  Sedghi et al., The Singular Values of Convolutional Layers, 2019, https://arxiv.org/abs/1805.10408
"""

import flax.linen as nn
import jax.numpy as jnp

from genjax_models.core.types import Array, Condition
from genjax_models.nets.flow.lipschitz_mlp import lip_swish, norm_bound
from genjax_models.nets.layers.conditions import check_fields
from genjax_models.nets.layers.convolution import convolve


def convolution_norm_bound(kernel: Array, height: int, width: int) -> Array:
    """An upper bound on the norm of a convolution, a scalar.

    Args:
      kernel: `[k, k, C, D]`, k odd, of images padded with `k // 2` zeros.
      height, width: of the images, at least k.
    """
    rim = kernel.shape[0] // 2
    spectrum = jnp.fft.rfft2(kernel, (height + rim, width + rim), axes=(0, 1))
    return norm_bound(spectrum).max()


class LipschitzConvolution(nn.Module):
    """A convolution, padded with zeros, whose norm on images of its input's size is at most `bound`.

    Attributes:
      features: channels of the result.
      size: of the square kernel, odd.
      bound: on its Lipschitz constant.
      dtype: of the computation; parameters and the norms' bounds stay float32.
    """

    features: int
    size: int
    bound: float
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`x` `[B, H, W, C]` → `[B, H, W, features]`."""
        _, height, width, channels = x.shape
        shape = (self.size, self.size, channels, self.features)
        kernel = self.param("kernel", nn.initializers.lecun_normal(), shape)
        bias = self.param("bias", nn.initializers.zeros, (self.features,))
        kernel = kernel * jnp.minimum(1.0, self.bound / convolution_norm_bound(kernel, height, width))
        y = convolve(x.astype(self.dtype), kernel.astype(self.dtype), padding=self.size // 2)
        return y + bias.astype(self.dtype)[None, None, None]


class LipschitzConv(nn.Module):
    """Three convolutions of images, of Lipschitz constant at most `coefficient`.

    Attributes:
      width: channels inside.
      coefficient: the bound, in every example.
      dtype: of the computation; parameters and the norms' bounds stay float32.
    """

    width: int = 128
    coefficient: float = 0.9
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
          x: `[B, H, W, C]`, of at least 3 by 3 pixels.

        Returns:
          The shape and dtype of `x`.
        """
        check_fields(cond, ())
        h, bound = x, self.coefficient ** (1 / 3)
        for layer, (features, size) in enumerate([(self.width, 3), (self.width, 1), (x.shape[-1], 3)]):
            if layer:
                start = nn.initializers.constant(0.5)
                sharpness = self.param(f"sharpness_{layer - 1}", start, (1, 1, 1, self.width))
                h = lip_swish(h, nn.softplus(sharpness).astype(self.dtype))
            h = LipschitzConvolution(features, size, bound, self.dtype, name=f"convolution_{layer}")(h)
        return h.astype(x.dtype)
