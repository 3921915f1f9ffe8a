r"""SNGAN: residual networks, with class-conditional batch norm up and spectral norm down.

A block of the generator, with doubling $\uparrow$ by nearest neighbour, and one of the discriminator, with halving
$\downarrow$ by means or without any, are

$$y = \mathrm{conv}_1(\uparrow x) + \mathrm{conv}_3(\mathrm{relu}(\mathrm{BN}(
      \mathrm{conv}_3(\uparrow \mathrm{relu}(\mathrm{BN}(x)))))), \qquad
y = \downarrow \mathrm{conv}_1(x) + \downarrow \mathrm{conv}_3(\mathrm{relu}(\mathrm{conv}_3(\mathrm{relu}(x)))).$$

The first block of the discriminator sees the image, to which no ReLU is applied. Features are summed over space.

In the paper 32×32 images have channels (256, 256, 256) from 4×4 up, and (128, 128, 128, 128) with two halvings down.

References:
  Miyato et al., Spectral Normalization for Generative Adversarial Networks, 2018, https://arxiv.org/abs/1802.05957
  Miyato and Koyama, cGANs with Projection Discriminator, 2018, https://arxiv.org/abs/1802.05637
"""

from collections.abc import Callable
from functools import partial

import flax.linen as nn
import jax.numpy as jnp

from genjax_models.core.types import Array, Condition
from genjax_models.nets.layers.batch_norm import BatchNorm, ConditionalBatchNorm
from genjax_models.nets.layers.conditions import one_hot_of
from genjax_models.nets.layers.convolution import Conv3x3
from genjax_models.nets.layers.discriminator_head import DiscriminatorHead, class_inputs
from genjax_models.nets.layers.discriminator_output import DiscriminatorOutput
from genjax_models.nets.layers.linear import Dense
from genjax_models.nets.layers.resampling import UpsampleConv, downsample, halved, upsample
from genjax_models.nets.layers.spectral import SpectralConv, SpectralDense

GLOROT = nn.initializers.xavier_uniform()
GLOROT_RELU = nn.initializers.variance_scaling(2.0, "fan_avg", "uniform")


class GeneratorBlock(nn.Module):
    """Two convolutions around a skip, at twice the resolution.

    Attributes:
      features: channels of the result.
      norm: makes the layer before each convolution.
      dtype: of the computation; parameters stay float32.
    """

    features: int
    norm: Callable[..., nn.Module] = BatchNorm
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array, *emb: Array, train: bool) -> Array:
        """`x` `[B, H, W, C]` and the condition of the norms → `[B, 2H, 2W, features]`."""
        h = nn.relu(self.norm(name="norm_1")(x, *emb, train=train))
        h = UpsampleConv(self.features, self.dtype, GLOROT_RELU, name="conv_1")(h)
        h = nn.relu(self.norm(name="norm_2")(h, *emb, train=train))
        h = Conv3x3(self.features, kernel_init=GLOROT_RELU, dtype=self.dtype, name="conv_2")(h)
        return h + upsample(Dense(self.features, kernel_init=GLOROT, dtype=self.dtype, name="skip")(x))


class SNGANGenerator(nn.Module):
    """From a latent vector to an image.

    Attributes:
      out_shape: `(height, width, channels)` of the image.
      channels: of each block, the coarsest first; a block doubles height and width.
      num_classes: 0 for an unconditional network; otherwise each class has its own scale and shift of every norm.
      axis_name: see `BatchNorm`.
      dtype: of the computation; parameters stay float32.
    """

    out_shape: tuple[int, int, int]
    channels: tuple[int, ...] = (64, 64)
    num_classes: int = 0
    axis_name: str | None = None
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
          train: normalise by this batch's moments.

        Returns:
          `[B, *out_shape]` in [-1, 1], in the dtype of `z`.

        Raises:
          ValueError: if the image cannot be halved once a block.
        """
        batch, (height, width, out) = z.shape[0], self.out_shape
        rows, columns = halved(height, width, len(self.channels))
        one_hot = one_hot_of(cond, self.num_classes, batch)
        emb = (one_hot,) if self.num_classes else ()
        norm = partial(
            ConditionalBatchNorm if self.num_classes else BatchNorm, axis_name=self.axis_name, dtype=self.dtype
        )
        first = self.channels[0]
        h = nn.Dense(rows * columns * first, kernel_init=GLOROT, dtype=self.dtype, name="in")(z)
        h = h.reshape(batch, rows, columns, first)
        for block, features in enumerate(self.channels):
            h = GeneratorBlock(features, norm, self.dtype, name=f"block_{block}")(h, *emb, train=train)
        h = nn.relu(BatchNorm(self.axis_name, self.dtype, name="norm_out")(h, train=train))
        h = Conv3x3(out, kernel_init=GLOROT, dtype=self.dtype, name="conv_out")(h)
        return jnp.tanh(h).astype(z.dtype)


class DiscriminatorBlock(nn.Module):
    """Two spectrally normalised convolutions around a skip.

    Attributes:
      features: channels of the result.
      halve: whether to halve height and width.
      first: the input is the image: no ReLU before the first convolution.
      kernel_init: of every kernel, before its normalisation.
      dtype: of the computation; parameters stay float32.
    """

    features: int
    halve: bool = True
    first: bool = False
    kernel_init: Callable[..., Array] = GLOROT
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`x` `[B, H, W, C]` → `[B, H / 2, W / 2, features]`, or `[B, H, W, features]`."""
        conv = partial(SpectralConv, self.features, kernel_init=self.kernel_init, dtype=self.dtype)
        h = conv(name="conv_1")(x if self.first else nn.relu(x))
        h = conv(name="conv_2")(nn.relu(h))
        if self.halve:
            x, h = downsample(x), downsample(h)  # means before the skip's 1×1 convolution are means after it
        if self.first or self.halve or x.shape[-1] != self.features:
            x = SpectralDense(self.features, kernel_init=self.kernel_init, dtype=self.dtype, name="skip")(x)
        return x + h


class SNGANDiscriminator(nn.Module):
    """From an image to a logit and features.

    Attributes:
      channels: of each block, the first nearest to the image.
      halvings: how many blocks, from the first, halve height and width.
      num_classes: 0 for an unconditional network.
      conditioning: how the class enters, see `discriminator_head`.
      dtype: of the computation; parameters stay float32.
    """

    channels: tuple[int, ...] = (64, 64, 64)
    halvings: int = 2
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
          train: changes nothing; the spectral norms are refined where the collection `spectral` is mutable.

        Returns:
          Logits `[B]` and features `[B, channels[-1]]`.

        Raises:
          ValueError: if the image cannot be halved so often.
        """
        halved(x.shape[1], x.shape[2], self.halvings)
        h, one_hot = class_inputs(x, cond, self.num_classes, self.conditioning)
        for block, features in enumerate(self.channels):
            halve, first = block < self.halvings, block == 0
            h = DiscriminatorBlock(features, halve, first, dtype=self.dtype, name=f"block_{block}")(h)
        head = DiscriminatorHead(partial(SpectralDense, kernel_init=GLOROT, dtype=self.dtype), name="head")
        return head(nn.relu(h).sum(axis=(1, 2)), one_hot)
