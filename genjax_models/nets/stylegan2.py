r"""StyleGAN2's generator: modulated convolutions from a constant, and an image that every resolution adds to.

A layer reads its style $s = A w$, and with learnt strength $\beta$ and noise $\eta$, one map for all channels,

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
from genjax_models.nets.convolution import convolve
from genjax_models.nets.equalized import leaky_relu
from genjax_models.nets.modulated_conv import ModulatedConv
from genjax_models.nets.noise_injection import NoiseInjection
from genjax_models.nets.resampling import doublings, fir_upsample, fir_upsample_convolve
from genjax_models.nets.style_generator import StyleGenerator, check_styles

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


class StyleGAN2Synthesis(nn.Module):
    """From styles to images.

    Attributes:
      resolution: of the images, `base_resolution` doubled a number of times.
      base_resolution: of the constant.
      out_channels: of the images.
      channels: of the feature maps at the highest resolution.
      max_channels: see `StyleGenerator`.
      dtype: of the computation; parameters stay float32.
    """

    resolution: int
    base_resolution: int
    out_channels: int
    channels: int
    max_channels: int
    dtype: jnp.dtype = jnp.float32

    @property
    def num_styles(self) -> int:
        """Styles that it reads, L."""
        return 2 * doublings(self.resolution, self.base_resolution) + 2

    @nn.compact
    def __call__(self, w: Array, train: bool = False) -> Array:
        """Styles `[B, L, W]` → images; `train` changes nothing."""
        check_styles(w, self.num_styles)
        levels, base = self.num_styles // 2, self.base_resolution
        widths = [min(self.channels << (levels - 1 - level), self.max_channels) for level in range(levels)]
        constant = self.param("constant", nn.initializers.normal(1.0), (1, base, base, widths[0])).astype(self.dtype)
        h, images = jnp.broadcast_to(constant, (w.shape[0], *constant.shape[1:])), []
        for level, width in enumerate(widths):
            if level:
                h = StyledConv(width, 2 * level - 1, True, self.dtype, name=f"up_{level}")(h, w[:, 2 * level - 1])
            h = StyledConv(width, 2 * level, dtype=self.dtype, name=f"conv_{level}")(h, w[:, 2 * level])
            images.append(ToRGB(self.out_channels, self.dtype, name=f"to_rgb_{level}")(h, w[:, 2 * level + 1]))
        return reduce(lambda image, rgb: fir_upsample(image, TAPS) + rgb, images)


class StyleGAN2(StyleGenerator):
    """StyleGAN2's generator, `net(z, t=None, cond=None)`; see `StyleGenerator` for the call and the other fields.

    Noise comes from the rng stream `noise` if one is given; otherwise it is fixed.

    Attributes:
      base_resolution: of the constant that `resolution` is doubled from; 7 for 28.
    """

    base_resolution: int = 4

    def synthesis_network(self) -> StyleGAN2Synthesis:
        """The second network.

        Raises:
          ValueError: if `resolution` is not `base_resolution` doubled a number of times.
        """
        return StyleGAN2Synthesis(
            self.resolution, self.base_resolution, self.out_shape[-1], self.channels, self.max_channels, self.dtype
        )
