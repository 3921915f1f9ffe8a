r"""The ADM UNet: residual blocks and attention on a pyramid of resolutions, with skips across it.

A residual block is conditioned on the embedding $e$ of time and class by an adaptive group norm:

$$h = \mathrm{conv}(\mathrm{silu}(\mathrm{GN}(x))), \quad
(a, b) = W\,\mathrm{silu}(e), \quad
y = \mathrm{skip}(x) + \mathrm{conv}_0(\mathrm{silu}(\mathrm{GN}(h)(1 + a) + b)).$$

$\mathrm{conv}_0$, the last projection of each attention block and the last convolution of the network are initialised
to zero, so that every block is initially its skip and the network the zero function.

References:
  Ho et al., Denoising Diffusion Probabilistic Models, 2020, https://arxiv.org/abs/2006.11239
  Dhariwal and Nichol, Diffusion Models Beat GANs on Image Synthesis, 2021, https://arxiv.org/abs/2105.05233
"""

from collections.abc import Callable
from functools import partial

import flax.linen as nn
import jax.numpy as jnp

from genjax_models.core.patches import patchify, unpatchify
from genjax_models.core.types import Array, Condition
from genjax_models.nets.layers.attention import SelfAttention
from genjax_models.nets.layers.convolution import Conv3x3
from genjax_models.nets.layers.embeddings import Conditioning
from genjax_models.nets.layers.linear import Dense
from genjax_models.nets.layers.normalization import GroupNorm
from genjax_models.nets.layers.resampling import UpsampleConv, downsample, upsample


def identity(x: Array) -> Array:
    """`x` as it is."""
    return x


def check_halvings(x: Array, levels: int) -> None:
    """Refuse an image `[B, H, W, C]` whose sides cannot be halved `levels - 1` times.

    Raises:
      ValueError: if so.
    """
    height, width, factor = x.shape[1], x.shape[2], 2 ** (levels - 1)
    if height % factor or width % factor:
        raise ValueError(f"a UNet of {levels} levels needs sides divisible by {factor}: {height}x{width}")


class ResBlock(nn.Module):
    """Two convolutions with group norm, conditioned on an embedding, around a skip.

    Attributes:
      channels: of the result.
      groups: of both group norms.
      scale_shift: the embedding gives scale and shift of the second norm (ADM); otherwise it is added before that norm
        (DDPM).
      resize: what changes the resolution inside the block (BigGAN), such as `upsample`; by default nothing.
      project_skip: give the skip a projection even where its channels are those of the result.
      skip_scale: factor of the sum at the end; the root of a half keeps its variance (NCSN++).
      dropout: before the second convolution.
      dtype: of the computation; parameters stay float32.
    """

    channels: int
    groups: int = 32
    scale_shift: bool = True
    resize: Callable[[Array], Array] = identity
    project_skip: bool = False
    skip_scale: float = 1.0
    dropout: float = 0.0
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array, emb: Array, train: bool = False) -> Array:
        """`x` `[B, H, W, C]` and `emb` `[B, E]` → `[B, H', W', channels]`."""
        h = nn.silu(GroupNorm(self.groups, dtype=self.dtype, name="norm_1")(x))
        h = Conv3x3(self.channels, dtype=self.dtype, name="conv_1")(self.resize(h))
        width = self.channels * (2 if self.scale_shift else 1)
        emb = Dense(width, dtype=self.dtype, name="emb")(nn.silu(emb))
        norm = GroupNorm(self.groups, dtype=self.dtype, name="norm_2")
        h = norm(h, *jnp.split(emb, 2, axis=-1)) if self.scale_shift else norm(h + emb[:, None, None, :])
        h = nn.Dropout(self.dropout, deterministic=not train)(nn.silu(h))
        h = Conv3x3(self.channels, dtype=self.dtype, kernel_init=nn.initializers.zeros, name="conv_2")(h)
        x = self.resize(x)
        if self.project_skip or x.shape[-1] != self.channels:
            x = Dense(self.channels, dtype=self.dtype, name="skip")(x)
        return (x + h) * self.skip_scale


class AttentionBlock(nn.Module):
    """Group norm and self-attention over all positions, around a skip.

    Attributes:
      head_dim: width of a head; divides the channels.
      groups: of the group norm.
      skip_scale: factor of the sum at the end.
      dtype: of the computation; parameters stay float32.
    """

    head_dim: int = 64
    groups: int = 32
    skip_scale: float = 1.0
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
        h = GroupNorm(self.groups, dtype=self.dtype, name="norm")(x).reshape(batch, height * width, channels)
        heads = channels // self.head_dim
        h = SelfAttention(heads, zero_init=True, dtype=self.dtype, name="attention")(h)
        return (x + h.reshape(x.shape)) * self.skip_scale


class UNet(nn.Module):
    """The ADM UNet.

    Attributes:
      channels: at the highest resolution.
      patch_size: fold squares of pixels into channels first, and out of them last: the highest resolution is then
        that of the image over `patch_size`, which is where small machines should spend their time.
      multipliers: of `channels`, one a level; each level halves the resolution of the one before.
      num_blocks: residual blocks a level going down; going up has one more.
      attention_levels: indices of the levels with attention after each residual block.
      mid_attention: attention between the two blocks at the lowest resolution.
      head_dim: width of an attention head.
      groups: of every group norm; divides every level's channels.
      scale_shift, dropout: see `ResBlock`.
      resblock_updown: change resolution inside residual blocks (BigGAN) instead of by strided convolutions.
      num_classes: 0 for an unconditional network; label `num_classes` means no class.
      vectors: names of the vector conditions, such as `text`; see `Conditioning`.
      time_embedding: how `t` enters, `sinusoidal` or `fourier`; see `embeddings.embed_time`.
      freq_shift: see `embeddings.sinusoidal`.
      out_channels: `None` for as many as the input has.
      dtype: of the computation; parameters stay float32.
      remat: recompute each residual and attention block in the backward pass, to save memory.
    """

    channels: int = 64
    patch_size: int = 1
    multipliers: tuple[int, ...] = (1, 2, 2)
    num_blocks: int = 2
    attention_levels: tuple[int, ...] = ()
    mid_attention: bool = True
    head_dim: int = 64
    groups: int = 32
    scale_shift: bool = True
    dropout: float = 0.0
    resblock_updown: bool = False
    num_classes: int = 0
    vectors: tuple[str, ...] = ()
    time_embedding: str = "sinusoidal"
    freq_shift: float = 0.0
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
          x: `[B, H, W, C]`; H and W divisible by `patch_size * 2 ** (len(multipliers) - 1)`.

        Returns:
          `[B, H, W, out_channels]`, in the dtype of `x`.

        Raises:
          ValueError: if the image cannot be halved often enough.
        """
        levels = len(self.multipliers)
        out = x.shape[-1] if self.out_channels is None else self.out_channels
        dtype, x = x.dtype, patchify(x, self.patch_size)
        check_halvings(x, levels)

        emb = Conditioning(
            4 * self.channels,
            self.channels,
            self.num_classes,
            self.time_embedding,
            self.freq_shift,
            self.dtype,
            self.vectors,
            name="conditioning",
        )(t, cond, x.shape[0])
        conv = partial(Conv3x3, dtype=self.dtype)

        residual = partial(
            nn.remat(ResBlock, static_argnums=(3,)) if self.remat else ResBlock,
            groups=self.groups,
            scale_shift=self.scale_shift,
            dropout=self.dropout,
            dtype=self.dtype,
        )

        def res(h: Array, width: int, name: str, resize: Callable[[Array], Array] = identity) -> Array:
            return residual(width, resize=resize, name=name)(h, emb, train)

        def attend(h: Array, name: str) -> Array:
            block = nn.remat(AttentionBlock) if self.remat else AttentionBlock
            return block(self.head_dim, self.groups, dtype=self.dtype, name=name)(h)

        h = conv(self.channels, name="conv_in")(x.astype(self.dtype))
        skips = [h]
        for level, multiplier in enumerate(self.multipliers):
            width = multiplier * self.channels
            for block in range(self.num_blocks):
                h = res(h, width, f"down_{level}_res_{block}")
                if level in self.attention_levels:
                    h = attend(h, f"down_{level}_attention_{block}")
                skips.append(h)
            if level < levels - 1:
                name = f"down_{level}_downsample"
                h = res(h, width, name, downsample) if self.resblock_updown else conv(width, stride=2, name=name)(h)
                skips.append(h)

        h = res(h, width, "mid_res_0")
        if self.mid_attention:
            h = attend(h, "mid_attention")
        h = res(h, width, "mid_res_1")

        for level in reversed(range(levels)):
            width = self.multipliers[level] * self.channels
            for block in range(self.num_blocks + 1):
                h = res(jnp.concatenate([h, skips.pop()], axis=-1), width, f"up_{level}_res_{block}")
                if level in self.attention_levels:
                    h = attend(h, f"up_{level}_attention_{block}")
            if level:
                name = f"up_{level}_upsample"
                if self.resblock_updown:
                    h = res(h, width, name, upsample)
                else:
                    h = UpsampleConv(width, self.dtype, name=name)(h)

        h = nn.silu(GroupNorm(self.groups, dtype=self.dtype, name="norm_out")(h))
        h = conv(self.patch_size**2 * out, kernel_init=nn.initializers.zeros, name="conv_out")(h)
        return unpatchify(h, self.patch_size).astype(dtype)
