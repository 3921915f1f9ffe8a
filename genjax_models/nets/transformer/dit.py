r"""The diffusion transformer: a vision transformer whose blocks are conditioned by adaLN-zero.

With $c$ the embedding of time and class and $\mathrm{LN}$ a layer norm without parameters, each block is

$$(b_1, a_1, g_1, b_2, a_2, g_2) = W\,\mathrm{silu}(c), \qquad
h = x + g_1\, \mathrm{attention}(\mathrm{LN}(x)(1 + a_1) + b_1), \qquad
y = h + g_2\, \mathrm{MLP}(\mathrm{LN}(h)(1 + a_2) + b_2).$$

$W$ starts at zero, so every block starts as the identity; so does the last projection, and the network as the
zero function.

References:
  Peebles and Xie, Scalable Diffusion Models with Transformers, 2022, https://arxiv.org/abs/2212.09748
"""

from functools import partial

import flax.linen as nn
import jax.numpy as jnp

from genjax_models.core.patches import patchify, unpatchify
from genjax_models.core.types import Array, Condition
from genjax_models.nets.layers.attention import SelfAttention
from genjax_models.nets.layers.embeddings import Conditioning, sincos_2d
from genjax_models.nets.layers.linear import Dense

XAVIER = nn.initializers.xavier_uniform()


def modulated_norm(x: Array, shift: Array, scale: Array) -> Array:
    """Layer norm of `x` `[B, L, D]` without parameters, then `(1 + scale)` and `shift`, both `[B, D]`."""
    normal = nn.LayerNorm(epsilon=1e-6, use_bias=False, use_scale=False, dtype=x.dtype)(x)
    return normal * (1 + scale[:, None, :]) + shift[:, None, :]


class Block(nn.Module):
    """One adaLN-zero transformer block.

    Attributes:
      heads: of the attention; divides the width.
      mlp_ratio: hidden width of the MLP over the width.
      dtype: of the computation; parameters stay float32.
    """

    heads: int
    mlp_ratio: float = 4.0
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array, emb: Array) -> Array:
        """`x` `[B, L, D]` and the activated embedding `emb` `[B, D]` → `[B, L, D]`."""
        width = x.shape[-1]
        dense = partial(Dense, dtype=self.dtype, kernel_init=XAVIER)
        modulation = dense(6 * width, kernel_init=nn.initializers.zeros, name="modulation")(emb)
        shift_1, scale_1, gate_1, shift_2, scale_2, gate_2 = jnp.split(modulation, 6, axis=-1)
        h = SelfAttention(self.heads, dtype=self.dtype, name="attention")(modulated_norm(x, shift_1, scale_1))
        x = x + gate_1[:, None, :] * h
        h = dense(int(self.mlp_ratio * width), name="mlp_in")(modulated_norm(x, shift_2, scale_2))
        h = dense(width, name="mlp_out")(nn.gelu(h, approximate=True))
        return x + gate_2[:, None, :] * h


class DiT(nn.Module):
    """The diffusion transformer with adaLN-zero blocks.

    Attributes:
      patch_size: side of a square patch; each becomes one token.
      width: of a token, a multiple of 4.
      depth: number of blocks.
      heads: of the attention; divides the width.
      mlp_ratio: hidden width of each block's MLP over the width.
      num_classes: 0 for an unconditional network; label `num_classes` means no class.
      vectors: names of the vector conditions, such as `text`; see `Conditioning`.
      time_embedding: how `t` enters, `sinusoidal` or `fourier`; see `embeddings.embed_time`.
      freq_shift: see `embeddings.sinusoidal`.
      out_channels: `None` for as many as the input has.
      dtype: of the computation; parameters stay float32.
      remat: recompute each block in the backward pass, to save memory.
      scan_layers: one compiled block for all layers: compiles fast however deep, but runs slower on CPU. The
        parameters of all blocks are then stacked under `blocks`.
    """

    patch_size: int = 2
    width: int = 384
    depth: int = 12
    heads: int = 6
    mlp_ratio: float = 4.0
    num_classes: int = 0
    vectors: tuple[str, ...] = ()
    time_embedding: str = "sinusoidal"
    freq_shift: float = 0.0
    out_channels: int | None = None
    dtype: jnp.dtype = jnp.float32
    remat: bool = False
    scan_layers: bool = False

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
          x: `[B, H, W, C]`; H and W divisible by `patch_size`.

        Returns:
          `[B, H, W, out_channels]`, in the dtype of `x`.

        Raises:
          ValueError: if the patches do not tile the image.
        """
        channels, p = x.shape[-1], self.patch_size
        patches = patchify(x, p)
        batch, rows, columns, _ = patches.shape
        dense = partial(Dense, dtype=self.dtype, kernel_init=XAVIER)

        h = dense(self.width, name="patch")(patches.reshape(batch, rows * columns, -1))
        h = h + jnp.asarray(sincos_2d(rows, columns, self.width), self.dtype)[None, :, :]

        embed = Conditioning(
            self.width,
            256,
            self.num_classes,
            self.time_embedding,
            self.freq_shift,
            self.dtype,
            self.vectors,
            name="conditioning",
        )
        emb = embed(t, cond, batch)
        emb = nn.silu(emb)
        block = nn.remat(Block, prevent_cse=not self.scan_layers) if self.remat else Block
        if self.scan_layers:
            layers = nn.scan(
                lambda block, h, emb: (block(h, emb), None),
                variable_axes={"params": 0},
                split_rngs={"params": True},
                in_axes=nn.broadcast,
                length=self.depth,
            )
            h, _ = layers(block(self.heads, self.mlp_ratio, self.dtype, name="blocks"), h, emb)
        else:
            for layer in range(self.depth):
                h = block(self.heads, self.mlp_ratio, self.dtype, name=f"block_{layer}")(h, emb)

        modulation = dense(2 * self.width, kernel_init=nn.initializers.zeros, name="modulation_out")(emb)
        h = modulated_norm(h, *jnp.split(modulation, 2, axis=-1))
        out = channels if self.out_channels is None else self.out_channels
        h = dense(p * p * out, kernel_init=nn.initializers.zeros, name="out")(h)
        return unpatchify(h.reshape(batch, rows, columns, -1), p).astype(x.dtype)
