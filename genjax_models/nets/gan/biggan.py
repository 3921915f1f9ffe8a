r"""BigGAN at any size: SNGAN's residual networks with self-attention, a latent vector in parts, orthogonal weights.

Self-attention, over all positions of a feature map, to those of half the resolution, with 1×1 convolutions W, maximum
over squares $\downarrow$ and a scalar $\gamma$ that starts at zero (SAGAN, eq. 1 to 3):

$$y = x + \gamma\, W_o\, \mathrm{softmax}\big((W_q x) (\downarrow W_k x)^\top\big) (\downarrow W_v x).$$

In the generator the latent vector is cut into equal parts: the first enters the dense layer, and each of the others the
norms of its block, together with an embedding of the class which all blocks share. Every kernel is normalised to unit
spectral norm, in the norms' projections too, and starts orthogonal. The discriminator is SNGAN's, with attention.

References:
  Brock et al., Large Scale GAN Training for High Fidelity Natural Image Synthesis, 2019, https://arxiv.org/abs/1809.11096
  Zhang et al., Self-Attention Generative Adversarial Networks, 2019, https://arxiv.org/abs/1805.08318
"""

from functools import partial

import flax.linen as nn
import jax.numpy as jnp

from genjax_models.core.types import Array, Condition
from genjax_models.nets.gan.sngan import DiscriminatorBlock
from genjax_models.nets.layers.batch_norm import BatchNorm, ConditionalBatchNorm
from genjax_models.nets.layers.conditions import one_hot_of
from genjax_models.nets.layers.discriminator_head import DiscriminatorHead, hear_class
from genjax_models.nets.layers.discriminator_output import DiscriminatorOutput
from genjax_models.nets.layers.resampling import halved, upsample
from genjax_models.nets.layers.spectral import SpectralConv, SpectralDense

ORTHOGONAL = nn.initializers.orthogonal()


class SpatialAttention(nn.Module):
    """SAGAN's self-attention, at first the identity.

    Attributes:
      dtype: of the computation; parameters stay float32.
    """

    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`x` `[B, H, W, C]`, of even height and width → `[B, H, W, C]`."""
        batch, height, width, channels = x.shape
        narrow, half = max(channels // 8, 1), max(channels // 2, 1)
        project = partial(SpectralDense, use_bias=False, kernel_init=ORTHOGONAL, dtype=self.dtype)

        def rows(h: Array) -> Array:
            return h.reshape(batch, -1, h.shape[-1])

        def pooled(h: Array) -> Array:
            return rows(h.reshape(batch, height // 2, 2, width // 2, 2, -1).max(axis=(2, 4)))

        q = rows(project(narrow, name="query")(x))
        k = pooled(project(narrow, name="key")(x))
        v = pooled(project(half, name="value")(x))
        weights = nn.softmax(jnp.einsum("bqc,bkc->bqk", q, k), axis=-1)
        y = project(channels, name="out")(jnp.einsum("bqk,bkc->bqc", weights, v)).reshape(x.shape)
        return x + self.param("gamma", nn.initializers.zeros, ()).astype(self.dtype) * y


class BigGANBlock(nn.Module):
    """Two convolutions around a skip, at twice the resolution.

    Attributes:
      features: channels of the result.
      axis_name: see `BatchNorm`.
      dtype: of the computation; parameters stay float32.
    """

    features: int
    axis_name: str | None = None
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array, emb: Array, *, train: bool) -> Array:
        """`x` `[B, H, W, C]` and `emb` `[B, E]` → `[B, 2H, 2W, features]`."""
        modulate = partial(SpectralDense, use_bias=False, kernel_init=ORTHOGONAL, dtype=self.dtype)
        norm = partial(ConditionalBatchNorm, self.axis_name, modulate, self.dtype)
        conv = partial(SpectralConv, self.features, kernel_init=ORTHOGONAL, dtype=self.dtype)
        h = upsample(nn.relu(norm(name="norm_1")(x, emb, train=train)))
        h = nn.relu(norm(name="norm_2")(conv(name="conv_1")(h), emb, train=train))
        skip = SpectralDense(self.features, kernel_init=ORTHOGONAL, dtype=self.dtype, name="skip")
        return conv(name="conv_2")(h) + upsample(skip(x))


class BigGANGenerator(nn.Module):
    """From a latent vector to an image.

    Attributes:
      out_shape: `(height, width, channels)` of the image.
      channels: of each block, the coarsest first; a block doubles height and width.
      attention: index of the block after which there is attention; `None` for none.
      embedding: width of the shared embedding of the class.
      num_classes: 0 for an unconditional network.
      axis_name: see `BatchNorm`.
      dtype: of the computation; parameters stay float32.
    """

    out_shape: tuple[int, int, int]
    channels: tuple[int, ...] = (64, 64)
    attention: int | None = 0
    embedding: int = 32
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
          z: `[B, Z]`; one more than there are blocks divides Z.
          train: normalise by this batch's moments.

        Returns:
          `[B, *out_shape]` in [-1, 1], in the dtype of `z`.

        Raises:
          ValueError: if the image cannot be halved once a block, or Z cannot be cut into parts.
        """
        batch, (height, width, out), parts = z.shape[0], self.out_shape, len(self.channels) + 1
        rows, columns = halved(height, width, len(self.channels))
        if z.shape[1] % parts:
            raise ValueError(f"a latent vector of {z.shape[1]} numbers cannot be cut into {parts} equal parts")
        one_hot = one_hot_of(cond, self.num_classes, batch).astype(z.dtype)
        shared: tuple[Array, ...] = ()
        if self.num_classes:
            table = nn.Dense(self.embedding, use_bias=False, kernel_init=ORTHOGONAL, dtype=self.dtype, name="class")
            shared = (table(one_hot),)
        first, *rest = jnp.split(z.astype(self.dtype), parts, axis=1)
        size = rows * columns * self.channels[0]
        h = SpectralDense(size, kernel_init=ORTHOGONAL, dtype=self.dtype, name="in")(first)
        h = h.reshape(batch, rows, columns, self.channels[0])
        for block, (features, part) in enumerate(zip(self.channels, rest, strict=True)):
            emb = jnp.concatenate([*shared, part], axis=1)
            h = BigGANBlock(features, self.axis_name, self.dtype, name=f"block_{block}")(h, emb, train=train)
            if block == self.attention:
                h = SpatialAttention(self.dtype, name="attention")(h)
        h = nn.relu(BatchNorm(self.axis_name, self.dtype, name="norm_out")(h, train=train))
        h = SpectralConv(out, kernel_init=ORTHOGONAL, dtype=self.dtype, name="conv_out")(h)
        return jnp.tanh(h).astype(z.dtype)


class BigGANDiscriminator(nn.Module):
    """From an image to a logit and features.

    Attributes:
      channels: of each block, the first nearest to the image.
      halvings: how many blocks, from the first, halve height and width.
      attention: index of the block after which there is attention; `None` for none.
      num_classes: 0 for an unconditional network.
      conditioning: how it is conditioned on the class, see `discriminator_head`.
      dtype: of the computation; parameters stay float32.
    """

    channels: tuple[int, ...] = (64, 64, 64)
    halvings: int = 2
    attention: int | None = 0
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
        """Evaluate the network; arguments, result and errors are those of `SNGANDiscriminator`."""
        halved(x.shape[1], x.shape[2], self.halvings)
        h, one_hot = hear_class(x, cond, self.num_classes, self.conditioning)
        for block, features in enumerate(self.channels):
            halve, first = block < self.halvings, block == 0
            h = DiscriminatorBlock(features, halve, first, ORTHOGONAL, self.dtype, name=f"block_{block}")(h)
            if block == self.attention:
                h = SpatialAttention(self.dtype, name="attention")(h)
        head = DiscriminatorHead(partial(SpectralDense, kernel_init=ORTHOGONAL, dtype=self.dtype), name="head")
        return head(nn.relu(h).sum(axis=(1, 2)), one_hot)
