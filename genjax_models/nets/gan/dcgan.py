r"""DCGAN: transposed convolutions up, strided convolutions down, batch norm between.

The generator starts with a dense layer at the coarsest resolution, $2^n$ times smaller than the image for n stages;
each stage is batch norm, ReLU and a 4×4 transposed convolution of stride 2. The discriminator's stages are 4×4
convolutions of stride 2, batch norm (not in the first) and leaky ReLU of slope 0.2. All weights start from
$N(0, 0.02^2)$.

In the paper the kernels are 5×5, and the channels of 64×64 images (1024, 512, 256, 128) from 4×4 up.

References:
  Radford et al., Unsupervised Representation Learning with Deep Convolutional GANs, 2016, https://arxiv.org/abs/1511.06434
"""

from functools import partial

import flax.linen as nn
import jax.numpy as jnp

from genjax_models.core.types import Array, Condition
from genjax_models.nets.layers.batch_norm import BatchNorm
from genjax_models.nets.layers.conditions import append_class
from genjax_models.nets.layers.convolution import Conv
from genjax_models.nets.layers.discriminator_head import DiscriminatorHead, hear_class
from genjax_models.nets.layers.discriminator_output import DiscriminatorOutput
from genjax_models.nets.layers.resampling import TransposedConv, halved

INIT = nn.initializers.normal(0.02)


class DCGANGenerator(nn.Module):
    """From a latent vector to an image.

    Attributes:
      out_shape: `(height, width, channels)` of the image.
      channels: of each stage, the coarsest first; a stage doubles height and width.
      num_classes: 0 for an unconditional network; otherwise the one-hot class is appended to the latent vector.
      axis_name: see `BatchNorm`.
      dtype: of the computation; parameters stay float32.
    """

    out_shape: tuple[int, int, int]
    channels: tuple[int, ...] = (128, 64)
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
          ValueError: if the image cannot be halved once a stage.
        """
        batch, (height, width, out) = z.shape[0], self.out_shape
        rows, columns = halved(height, width, len(self.channels))
        h = append_class(z, cond, self.num_classes)
        h = nn.Dense(rows * columns * self.channels[0], kernel_init=INIT, dtype=self.dtype, name="in")(h)
        h = h.reshape(batch, rows, columns, self.channels[0])
        for stage, features in enumerate((*self.channels[1:], out)):
            h = nn.relu(BatchNorm(self.axis_name, self.dtype, name=f"norm_{stage}")(h, train=train))
            h = TransposedConv(features, kernel_init=INIT, dtype=self.dtype, name=f"conv_{stage}")(h)
        return jnp.tanh(h).astype(z.dtype)


class DCGANDiscriminator(nn.Module):
    """From an image to a logit and features.

    Attributes:
      channels: of each stage, the finest first; a stage halves height and width.
      num_classes: 0 for an unconditional network.
      conditioning: how it is conditioned on the class, see `discriminator_head`.
      batch_norm: False for a critic whose gradient penalty is of each example.
      axis_name: see `BatchNorm`.
      dtype: of the computation; parameters stay float32.
    """

    channels: tuple[int, ...] = (64, 128)
    num_classes: int = 0
    conditioning: str = "concat"
    batch_norm: bool = True
    axis_name: str | None = None
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
          train: normalise by this batch's moments.

        Returns:
          Logits `[B]` and features `[B, D]`, those of the last stage.

        Raises:
          ValueError: if the image cannot be halved once a stage.
        """
        halved(x.shape[1], x.shape[2], len(self.channels))
        h, one_hot = hear_class(x, cond, self.num_classes, self.conditioning)
        for stage, features in enumerate(self.channels):
            conv = Conv(features, 4, stride=2, padding=1, kernel_init=INIT, dtype=self.dtype, name=f"conv_{stage}")
            h = conv(h)
            if stage and self.batch_norm:
                h = BatchNorm(self.axis_name, self.dtype, name=f"norm_{stage}")(h, train=train)
            h = nn.leaky_relu(h, 0.2)
        dense = partial(nn.Dense, kernel_init=INIT, dtype=self.dtype)
        return DiscriminatorHead(dense, name="head")(h.reshape(x.shape[0], -1), one_hot)
