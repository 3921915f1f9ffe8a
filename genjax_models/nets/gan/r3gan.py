r"""R3GAN: residual networks without normalisation, made of inverted bottlenecks with grouped convolutions.

$$y = x + \mathrm{conv}_1^0(\phi(\mathrm{conv}_3^G(\phi(\mathrm{conv}_1(x)))))$$

with $\phi$ a leaky ReLU of slope 0.2 and G groups in the middle, which is wider than the ends by `expansion`. The last
convolution starts at zero and the other two from normal weights of variance
$\frac{2}{1 + 0.2^2} \frac{1}{\sqrt{L}\,\mathrm{fan\,in}}$, L being the blocks of the network (fix-up). All others are
linear, without bias and of variance 1 / fan in.

A stage is some blocks at one resolution. Between two there is a bilinear filter, the taps (1, 3, 3, 1), and a 1×1
convolution where the channels differ, both at the lower resolution's side. The generator begins with a learnt image
scaled channel by channel by $W z$, the discriminator ends with a weighted mean of each channel; the generator's result
is a linear function of the last features, so that it may leave [-1, 1].

In the paper 32×32 images have channels (1024, 768, 512, 256) from 4×4 up in two blocks a stage, with an expansion of 2
and groups of 16 channels.

References:
  Huang et al., The GAN is dead; long live the GAN! A Modern GAN Baseline, 2025, https://arxiv.org/abs/2501.05441
  Zhang et al., Fixup Initialization, 2019, https://arxiv.org/abs/1901.09321
"""

import math
from functools import partial

import flax.linen as nn
import jax.numpy as jnp

from genjax_models.core.types import Array, Condition
from genjax_models.nets.layers.conditions import append_class
from genjax_models.nets.layers.convolution import Conv
from genjax_models.nets.layers.discriminator_head import DiscriminatorHead, hear_class
from genjax_models.nets.layers.discriminator_output import DiscriminatorOutput
from genjax_models.nets.layers.linear import Dense
from genjax_models.nets.layers.resampling import fir_downsample, fir_upsample, halved

SLOPE = 0.2
TAPS = (1.0, 3.0, 3.0, 1.0)
LINEAR = nn.initializers.variance_scaling(1.0, "fan_in", "normal")


class ResidualBlock(nn.Module):
    """An inverted bottleneck around a skip, at first the identity.

    Attributes:
      blocks: of the whole network, by which the weights start smaller.
      expansion: of the channels between the ends.
      group: channels of each group in the middle, divides them.
      dtype: of the computation; parameters stay float32.
    """

    blocks: int
    expansion: int = 2
    group: int = 16
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`x` `[B, H, W, C]` → `[B, H, W, C]`.

        Raises:
          ValueError: if groups of that size do not divide the channels in the middle.
        """
        channels = x.shape[-1]
        middle = self.expansion * channels
        if middle % self.group:
            raise ValueError(f"groups of {self.group} channels do not divide {middle}")
        init = nn.initializers.variance_scaling(2 / (1 + SLOPE**2) / math.sqrt(self.blocks), "fan_in", "normal")
        h = Dense(middle, kernel_init=init, dtype=self.dtype, name="expand")(x)
        grouped = partial(Conv, middle, 3, padding=1, groups=middle // self.group, kernel_init=init, dtype=self.dtype)
        h = grouped(name="mix")(nn.leaky_relu(h, SLOPE))
        start = nn.initializers.zeros
        contract = Dense(channels, use_bias=False, kernel_init=start, dtype=self.dtype, name="contract")
        return x + contract(nn.leaky_relu(h, SLOPE))


def linear(features: int, dtype: jnp.dtype, name: str) -> Dense:
    """A 1×1 convolution between blocks."""
    return Dense(features, use_bias=False, kernel_init=LINEAR, dtype=dtype, name=name)


class R3GANGenerator(nn.Module):
    """From a latent vector to an image.

    Attributes:
      out_shape: `(height, width, channels)` of the image.
      channels: of each stage, the coarsest first; the resolution doubles between two.
      depth: blocks of each stage.
      expansion, group: see `ResidualBlock`.
      num_classes: 0 for an unconditional network; otherwise the one-hot class is appended to the latent vector.
      dtype: of the computation; parameters stay float32.
    """

    out_shape: tuple[int, int, int]
    channels: tuple[int, ...] = (64, 32, 16)
    depth: int = 1
    expansion: int = 2
    group: int = 16
    num_classes: int = 0
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        z: Array,
        t: Array | None = None,
        cond: Condition | None = None,
        *,
        train: bool = False,
    ) -> Array:
        """Evaluate the network.

        Args:
          z: `[B, Z]`.

        Returns:
          `[B, *out_shape]`, not bounded, in the dtype of `z`.

        Raises:
          ValueError: if the image cannot be halved between any two stages, or the groups do not divide the
            channels.
        """
        height, width, out = self.out_shape
        rows, columns = halved(height, width, len(self.channels) - 1)
        first, total = self.channels[0], self.depth * len(self.channels)
        gain = linear(first, self.dtype, "in")(append_class(z, cond, self.num_classes))
        basis = self.param("basis", nn.initializers.normal(1.0), (rows, columns, first))
        h = basis.astype(self.dtype)[None] * gain[:, None, None, :]
        for stage, features in enumerate(self.channels):
            if stage:
                if features != h.shape[-1]:
                    h = linear(features, self.dtype, f"stage_{stage}_in")(h)
                h = fir_upsample(h, TAPS)
            for i in range(self.depth):
                name = f"stage_{stage}_block_{i}"
                h = ResidualBlock(total, self.expansion, self.group, self.dtype, name=name)(h)
        return linear(out, self.dtype, "out")(h).astype(z.dtype)


class R3GANDiscriminator(nn.Module):
    """From an image to a logit and features; in the paper, of the generator's channels in reverse.

    Attributes:
      channels: of each stage, the finest first; the resolution halves between two.
      depth: blocks of each stage.
      expansion, group: see `ResidualBlock`.
      num_classes: 0 for an unconditional network.
      conditioning: on the class, see `discriminator_head`; the paper's is the projection, of an
        embedded class and without the class-free term.
      dtype: of the computation; parameters stay float32.
    """

    channels: tuple[int, ...] = (16, 32, 64)
    depth: int = 1
    expansion: int = 2
    group: int = 16
    num_classes: int = 0
    conditioning: str = "projection"
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        x: Array,
        t: Array | None = None,
        cond: Condition | None = None,
        *,
        train: bool = False,
    ) -> DiscriminatorOutput:
        """Evaluate the network.

        Args:
          x: `[B, H, W, C]`.

        Returns:
          Logits `[B]` and features `[B, channels[-1]]`, the weighted means.

        Raises:
          ValueError: if the image cannot be halved between any two stages, or the groups do not divide the
            channels.
        """
        halved(x.shape[1], x.shape[2], len(self.channels) - 1)
        h, one_hot = hear_class(x, cond, self.num_classes, self.conditioning)
        h, total = linear(self.channels[0], self.dtype, "in")(h), self.depth * len(self.channels)
        for stage, features in enumerate(self.channels):
            if stage:
                h = fir_downsample(h, TAPS)
                if features != h.shape[-1]:
                    h = linear(features, self.dtype, f"stage_{stage}_in")(h)
            for i in range(self.depth):
                name = f"stage_{stage}_block_{i}"
                h = ResidualBlock(total, self.expansion, self.group, self.dtype, name=name)(h)
        _, rows, columns, last = h.shape
        basis = self.param("basis", nn.initializers.normal(1 / math.sqrt(rows * columns)), (rows, columns, last))
        means = (h * basis.astype(self.dtype)[None]).sum(axis=(1, 2))
        return DiscriminatorHead(partial(nn.Dense, kernel_init=LINEAR, dtype=self.dtype), name="head")(means, one_hot)
