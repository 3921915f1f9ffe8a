r"""StyleGAN's generator: convolutions from a constant, whose style sets the mean and scale of every channel.

After each convolution come noise, with a strength a channel, bias and activation, then adaptive instance normalisation:
with mean $\mu$ and variance $\sigma^2$ of each channel over the image, and $(s, b) = A w$,

$$\mathrm{AdaIN}(x, w) = (1 + s)\,\frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + b. \qquad (1)$$

Each resolution but the lowest has two convolutions, of which the first doubles: pixels repeated, 3×3, then the filter
(1, 2, 1). The lowest starts with the constant in the place of the first. A 1×1 convolution gives the image. This is the
network without growing: all resolutions are there from the start.

References:
  Karras et al., A Style-Based Generator Architecture for GANs, 2019, https://arxiv.org/abs/1812.04948, figure 1b
"""

import flax.linen as nn
import jax.numpy as jnp
from jax import lax

from genjax_models.core.arrays import at_least_float32
from genjax_models.core.types import Array
from genjax_models.nets.gan.style_generator import DoublingGenerator, DoublingSynthesis, check_styles
from genjax_models.nets.layers.equalized import EqualizedConv, EqualizedDense, equalized_kernel, leaky_relu
from genjax_models.nets.layers.noise_injection import NoiseInjection
from genjax_models.nets.layers.resampling import low_pass, upsample_convolve

BLUR = (1, 2, 1)


class AdaIN(nn.Module):
    """Adaptive instance normalisation (eq. 1).

    Attributes:
      dtype: of the result; the moments are taken in float32 or wider.
    """

    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array, w: Array) -> Array:
        """`x` `[B, H, W, C]` in the style of `w` `[B, W]` → the same shape."""
        scale, shift = jnp.split(EqualizedDense(2 * x.shape[-1], dtype=self.dtype, name="style")(w), 2, axis=1)
        wide = at_least_float32(x)
        wide -= wide.mean(axis=(1, 2), keepdims=True)
        gain = (1 + scale)[:, None, None, :] * lax.rsqrt(lax.square(wide).mean(axis=(1, 2), keepdims=True) + 1e-8)
        return (wide * gain + shift[:, None, None, :]).astype(self.dtype)


class StyledMap(nn.Module):
    """What follows a convolution: noise, bias, activation and AdaIN.

    Attributes:
      seed: of the noise that is used where no stream is given.
      dtype: of the computation; parameters stay float32.
    """

    seed: int
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array, w: Array) -> Array:
        """`x` `[B, H, W, C]` in the style of `w` `[B, W]` → the same shape."""
        x = NoiseInjection(self.seed, per_channel=True, name="noise")(x)
        bias = self.param("bias", nn.initializers.zeros, (x.shape[-1],)).astype(self.dtype)
        return AdaIN(self.dtype, name="adain")(leaky_relu(x + bias[None, None, None, :]), w)


class BlurredUpsampleConv(nn.Module):
    """Twice as large by repetition, a 3×3 convolution, and a filter; equalised learning rate.

    Attributes:
      features: channels of the result.
      dtype: of the computation; parameters stay float32.
    """

    features: int
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`x` `[B, H, W, C]` → `[B, 2H, 2W, features]`."""
        kernel = equalized_kernel(self, (3, 3, x.shape[-1], self.features)).astype(self.dtype)
        return low_pass(upsample_convolve(x, kernel), BLUR, padding=1)


class StyleGAN1Synthesis(DoublingSynthesis):
    """From styles to images; see `DoublingSynthesis` for its fields."""

    @nn.compact
    def __call__(self, w: Array, train: bool = False) -> Array:
        """Styles `[B, L, W]` → images; `train` changes nothing."""
        check_styles(w, self.num_styles)
        widths, base = self.widths, self.base_resolution
        constant = self.param("constant", nn.initializers.ones, (1, base, base, widths[0])).astype(self.dtype)
        h = jnp.broadcast_to(constant, (w.shape[0], *constant.shape[1:]))
        for level, width in enumerate(widths):
            if level:
                h = BlurredUpsampleConv(width, self.dtype, name=f"up_{level}")(h)
            h = StyledMap(2 * level, self.dtype, name=f"first_{level}")(h, w[:, 2 * level])
            h = EqualizedConv(width, padding=1, use_bias=False, dtype=self.dtype, name=f"conv_{level}")(h)
            h = StyledMap(2 * level + 1, self.dtype, name=f"second_{level}")(h, w[:, 2 * level + 1])
        return EqualizedConv(self.out_channels, size=1, dtype=self.dtype, name="to_rgb")(h)


class StyleGAN1(DoublingGenerator):
    """StyleGAN's generator, `net(z, t=None, cond=None)`; see `DoublingGenerator` for the call and the fields.

    Noise comes from the rng stream `noise` if one is given; otherwise it is fixed.
    """

    synthesis_class = StyleGAN1Synthesis
