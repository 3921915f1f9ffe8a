r"""StyleGAN2's generator: modulated convolutions from a constant, and an image that every resolution adds to.

A layer with style $s = A w$, learned strength $\beta$ and noise $\eta$, one map for all channels, computes

$$y = \sqrt2\,\mathrm{leaky}\big(\mathrm{modconv}(x, s) + \beta\,\eta + b\big)$$

(see `modulated_conv`). Each resolution but the lowest has two, of which the first doubles: zeros between the pixels,
the 3×3 convolution, then the filter (1, 3, 3, 1). `to_rgb`, a modulated 1×1 convolution without demodulation, turns the
result into an image, and

$$\mathrm{image}_{2r} = \mathrm{up}(\mathrm{image}_r) + \mathrm{rgb}_{2r}.$$

It shares its style with the layer after it, so there are two styles a resolution.

References:
  Karras et al., Analyzing and Improving the Image Quality of StyleGAN, 2020,
  https://arxiv.org/abs/1912.04958, figures 2d, 7b
"""

from functools import partial, reduce

import flax.linen as nn
import jax.numpy as jnp

from genjax_models.core.types import Array
from genjax_models.nets.gan.style_generator import DoublingGenerator, DoublingSynthesis, check_styles
from genjax_models.nets.layers.convolution import convolve
from genjax_models.nets.layers.equalized import leaky_relu
from genjax_models.nets.layers.modulated_conv import ModulatedConv
from genjax_models.nets.layers.noise_injection import NoiseInjection
from genjax_models.nets.layers.resampling import fir_upsample, fir_upsample_convolve

TAPS = (1, 3, 3, 1)
"""Of every change of resolution, in generator and discriminator."""


class StyledConv(nn.Module):
    """A layer: modulated convolution, noise, bias and activation.

    Attributes:
      features: channels of the result.
      seed: of the noise that is used where no stream is given.
      up: whether the result is twice as large.
      dtype: of the computation; parameters stay float32.
    """

    features: int
    seed: int
    up: bool = False
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array, w: Array) -> Array:
        """`x` `[B, H, W, C]` in the style of `w` `[B, W]` → `[B, H', W', features]`."""
        convolution = partial(fir_upsample_convolve, taps=TAPS) if self.up else partial(convolve, padding=1)
        y = ModulatedConv(self.features, convolution, dtype=self.dtype, name="conv")(x, w)
        y = NoiseInjection(self.seed, name="noise")(y)
        bias = self.param("bias", nn.initializers.zeros, (self.features,)).astype(self.dtype)
        return leaky_relu(y + bias[None, None, None, :])


class ToRGB(nn.Module):
    """A modulated 1×1 convolution with bias, without demodulation: what a feature map adds to the image.

    Attributes:
      features: channels of the image.
      dtype: of the computation; parameters stay float32.
    """

    features: int
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array, w: Array) -> Array:
        """`x` `[B, H, W, C]` in the style of `w` `[B, W]` → `[B, H, W, features]`."""
        y = ModulatedConv(self.features, size=1, demodulate=False, dtype=self.dtype, name="conv")(x, w)
        bias = self.param("bias", nn.initializers.zeros, (self.features,)).astype(self.dtype)
        return y + bias[None, None, None, :]


class StyleGAN2Synthesis(DoublingSynthesis):
    """From styles to images; see `DoublingSynthesis` for its fields."""

    @nn.compact
    def __call__(self, w: Array, train: bool = False) -> Array:
        """Styles `[B, L, W]` → images; `train` changes nothing."""
        check_styles(w, self.num_styles)
        widths, base = self.widths, self.base_resolution
        constant = self.param("constant", nn.initializers.normal(1.0), (1, base, base, widths[0])).astype(self.dtype)
        h, images = jnp.broadcast_to(constant, (w.shape[0], *constant.shape[1:])), []
        for level, width in enumerate(widths):
            if level:
                h = StyledConv(width, 2 * level - 1, True, self.dtype, name=f"up_{level}")(h, w[:, 2 * level - 1])
            h = StyledConv(width, 2 * level, dtype=self.dtype, name=f"conv_{level}")(h, w[:, 2 * level])
            images.append(ToRGB(self.out_channels, self.dtype, name=f"to_rgb_{level}")(h, w[:, 2 * level + 1]))
        return reduce(lambda image, rgb: fir_upsample(image, TAPS) + rgb, images)


class StyleGAN2(DoublingGenerator):
    """StyleGAN2's generator, `net(z, t=None, cond=None)`; see `DoublingGenerator` for the call and the fields.

    Noise comes from the rng stream `noise` if one is given; otherwise it is fixed.
    """

    synthesis_class = StyleGAN2Synthesis
