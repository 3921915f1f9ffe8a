r"""EDM2's UNet: nothing but magnitude-preserving layers (config G).

There are no norms with statistics over space and no biases; a constant channel beside the image takes their place. A
block normalises each pixel of its main branch (in the encoder alone), and the embedding $e$ of time and class acts as a
gain on the residual branch:

$$h = \mathrm{conv}(\mathrm{silu}'(x)), \qquad c = 1 + g_e W e, \qquad
y = \mathrm{sum}_{0.3}\big(x, \mathrm{conv}(\mathrm{silu}'(c\,h))\big),$$

then, where there is attention, $y \leftarrow \mathrm{sum}_{0.3}(y, W_o\,\mathrm{attention}(q, k, v))$ with queries,
keys and values each normalised, so that the scores are cosines. The gains $g_e$ and that of the last convolution are
learnt and start at zero: the network starts as the zero function.

`LogLoss` is $u(t)$, the log of the loss that is to be expected at a noise level: one layer on Fourier features
(appendix B.2, `families.diffusion.uncertainty_loss`).

Train it with an optimiser of `training.make_optimizer`, which forces the weights to unit magnitude after each update,
and with averages of the parameters: their length is chosen after training with `ema.kind="posthoc"`.

References:
  Karras et al., Analyzing and Improving the Training Dynamics of Diffusion Models (EDM2), 2023,
  https://arxiv.org/abs/2312.02696, figure 21 and appendix B
"""

from collections.abc import Callable
from functools import partial, reduce
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_models.core.arrays import at_least_float32, unit_rms
from genjax_models.core.types import Array, Condition
from genjax_models.nets.layers.attention import attention
from genjax_models.nets.layers.conditions import labels_of, vector_of
from genjax_models.nets.layers.magnitude import MPConv3x3, MPDense, mp_concat, mp_fourier, mp_silu, mp_sum
from genjax_models.nets.layers.resampling import downsample, upsample
from genjax_models.nets.unet.unet import check_halvings, identity

RESIDUAL_SHARE = 0.3
"""Of a residual or attention branch in the sum with its main branch (appendix B, "balance")."""
CLIP = 256.0
"""Activations are kept within it after each block, far from the end of float16's range."""


class CosineAttention(nn.Module):
    """Self-attention over all positions with normalised queries, keys and values, added to its input.

    Attributes:
      head_dim: width of a head; divides the channels.
      dtype: of the computation; parameters stay float32.
    """

    head_dim: int = 64
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`x` `[B, H, W, C]` → `[B, H, W, C]`.

        Raises:
          ValueError: if `head_dim` does not divide C.
        """
        batch, height, width, channels = x.shape
        if channels % self.head_dim:
            raise ValueError(f"head_dim={self.head_dim} does not divide {channels} channels")
        qkv = MPDense(3 * channels, self.dtype, name="qkv")(x)
        qkv = qkv.reshape(batch, height * width, 3, channels // self.head_dim, self.head_dim)
        q, k, v = jnp.moveaxis(unit_rms(qkv, -1), 2, 0)
        y = attention(q, k, v).reshape(x.shape)
        return mp_sum(x, MPDense(channels, self.dtype, name="out")(y), RESIDUAL_SHARE)


class Block(nn.Module):
    """A residual block of the encoder or the decoder, with or without attention.

    Attributes:
      channels: of the result.
      decoder: the main branch is neither normalised nor projected before the residual branch.
      resize: changes the resolution first: `upsample`, `downsample`, by default neither.
      head_dim: width of a head of attention, 0 for none; divides `channels`.
      dropout: before the second convolution.
      dtype: of the computation; parameters stay float32.
    """

    channels: int
    decoder: bool = False
    resize: Callable[[Array], Array] = identity
    head_dim: int = 0
    dropout: float = 0.0
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array, emb: Array, train: bool = False) -> Array:
        """`x` `[B, H, W, C]` and the activated embedding `emb` `[B, E]` → `[B, H', W', channels]`."""
        conv = partial(MPConv3x3, self.channels, self.dtype)
        project = MPDense(self.channels, self.dtype, name="skip") if x.shape[-1] != self.channels else identity
        x = self.resize(x)
        if not self.decoder:
            x = unit_rms(project(x), -1)
        h = conv(name="conv_1")(mp_silu(x))
        gain = self.param("gain", nn.initializers.zeros, ())
        h = mp_silu(h * (1 + MPDense(self.channels, self.dtype, name="emb")(emb, gain))[:, None, None, :])
        h = conv(name="conv_2")(nn.Dropout(self.dropout, deterministic=not train)(h))
        x = mp_sum(project(x) if self.decoder else x, h, RESIDUAL_SHARE)
        if self.head_dim:
            x = CosineAttention(self.head_dim, self.dtype, name="attention")(x)
        return jnp.clip(x, -CLIP, CLIP)


class EDM2UNet(nn.Module):
    """The magnitude-preserving UNet of EDM2.

    Attributes:
      channels: at the highest resolution.
      multipliers: of `channels`, one a level; each level halves the resolution of the one before.
      num_blocks: residual blocks a level going down; going up has one more.
      attention_levels: indices of the levels with attention in each of these blocks; between the two halves there is
        one always.
      head_dim: width of an attention head.
      dropout: before the second convolution of each block.
      num_classes: 0 for an unconditional network; label `num_classes` means no class.
      vectors: names of the vector conditions, such as `text`, of which only the direction counts.
      out_channels: `None` for as many as the input has.
      dtype: of the computation; parameters stay float32.
      remat: recompute each block in the backward pass, to save memory.
    """

    channels: int = 192
    multipliers: tuple[int, ...] = (1, 2, 3, 4)
    num_blocks: int = 3
    attention_levels: tuple[int, ...] = (2, 3)
    head_dim: int = 64
    dropout: float = 0.0
    num_classes: int = 0
    vectors: tuple[str, ...] = ()
    out_channels: int | None = None
    dtype: jnp.dtype = jnp.float32
    remat: bool = False

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
          x: `[B, H, W, C]`, of about unit variance; H and W divisible by `2 ** (len(multipliers) - 1)`.
          t: as for every network; the paper's preconditioning gives a quarter of the log of the noise level.

        Returns:
          `[B, H, W, out_channels]`, in the dtype of `x`.

        Raises:
          ValueError: if the image cannot be halved often enough.
        """
        levels = len(self.multipliers)
        check_halvings(x, levels)
        out = x.shape[-1] if self.out_channels is None else self.out_channels
        emb = self._embedding(t, cond, x.shape[0])
        layer = partial(
            nn.remat(Block, static_argnums=(3,)) if self.remat else Block, dropout=self.dropout, dtype=self.dtype
        )

        def block(h: Array, level: int, name: str, attends: bool = False, **options: Any) -> Array:
            width = self.multipliers[level] * self.channels
            return layer(width, head_dim=self.head_dim if attends else 0, name=name, **options)(h, emb, train)

        dtype, x = x.dtype, x.astype(self.dtype)
        h = MPConv3x3(self.channels, self.dtype, name="conv_in")(
            jnp.concatenate([x, jnp.ones_like(x[..., :1])], axis=-1)
        )
        skips = [h]
        for level in range(levels):
            attends = level in self.attention_levels
            if level:
                h = block(h, level - 1, f"down_{level}_downsample", resize=downsample)
                skips.append(h)
            for i in range(self.num_blocks):
                h = block(h, level, f"down_{level}_res_{i}", attends)
                skips.append(h)

        h = block(h, levels - 1, "mid_res_0", True, decoder=True)
        h = block(h, levels - 1, "mid_res_1", decoder=True)

        for level in reversed(range(levels)):
            attends = level in self.attention_levels
            if level < levels - 1:
                h = block(h, level + 1, f"up_{level}_upsample", decoder=True, resize=upsample)
            for i in range(self.num_blocks + 1):
                h = block(mp_concat(h, skips.pop()), level, f"up_{level}_res_{i}", attends, decoder=True)

        gain = self.param("gain", nn.initializers.zeros, ())
        return MPConv3x3(out, self.dtype, name="conv_out")(h, gain).astype(dtype)

    def _embedding(self, t: Array | None, cond: Condition | None, batch: int) -> Array:
        """Time and condition, equally mixed and activated: `[B, E]`."""
        width = self.channels * max(self.multipliers)
        dense = partial(MPDense, width, self.dtype)
        conditions: list[Array] = []
        parts = [] if t is None else [dense(name="time")(mp_fourier(t, self.multipliers[0] * self.channels))]
        label = labels_of(cond, self.num_classes, batch, self.vectors)
        if label is not None:
            rows = self.num_classes + 1  # a row of the table has unit magnitude if the one hot entry is its root
            conditions.append(dense(name="label")(jax.nn.one_hot(label, rows) * rows**0.5))
        for name in self.vectors:
            vector = vector_of(cond, name, batch)
            if vector is not None:
                conditions.append(dense(name=f"vector_{name}")(unit_rms(vector, -1)))
        if conditions:
            fields = bool(self.num_classes) + len(self.vectors)  # those that are missing count as zeros
            total = reduce(jnp.add, conditions)
            parts.append(total if fields == 1 else total / fields**0.5)
        elif self.vectors:
            parts.append(jnp.zeros((batch, width), self.dtype))
        if not parts:
            return jnp.zeros((batch, 1), self.dtype)
        return mp_silu(parts[0] if len(parts) == 1 else mp_sum(parts[0], parts[1], 0.5))


class LogLoss(nn.Module):
    """The log of the loss that is to be expected of another network at time `t`, trained along with it.

    Attributes:
      features: width of the features of `t`.
      dtype: of the product with the weights; parameters stay float32.
    """

    features: int = 128
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, t: Array) -> Array:
        """`t` `[B]` float, what the other network is called with -> `[B]`, at least float32."""
        return at_least_float32(MPDense(1, self.dtype, name="out")(mp_fourier(t, self.features))[:, 0])
