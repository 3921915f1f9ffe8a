r"""U-ViT: a vision transformer in which everything is a token, with long skips from its first half to its second.

The patches, the time and the class are one sequence with learnt positions. With $\mathrm{LN}$ a layer norm and $s$ the
output of the block at the mirrored depth, a block is

$$x \leftarrow W\,[x, s] \;\text{(second half)}, \qquad h = x + \mathrm{attention}(\mathrm{LN}(x)), \qquad
y = h + \mathrm{MLP}(\mathrm{LN}(h)).$$

The patches' tokens are folded back into an image, which a last 3×3 convolution smooths. That convolution starts at
zero, as the last layer of all our networks does, and with it the network.

References:
  Bao et al., All are Worth Words: A ViT Backbone for Diffusion Models, 2022, https://arxiv.org/abs/2209.12152
"""

from functools import partial

import flax.linen as nn
import jax.numpy as jnp

from genjax_models.core.patches import patchify, unpatchify
from genjax_models.core.types import Array, Condition
from genjax_models.nets.layers.attention import SelfAttention
from genjax_models.nets.layers.conditions import labels_of, vector_of
from genjax_models.nets.layers.convolution import Conv3x3
from genjax_models.nets.layers.embeddings import embed_time
from genjax_models.nets.layers.linear import Dense

INIT = nn.initializers.normal(0.02)
XAVIER = nn.initializers.xavier_uniform()  # the paper's normal(0.02) suits its own widths; narrow networks fade with it
LayerNorm = partial(nn.LayerNorm, epsilon=1e-5)


class Block(nn.Module):
    """A pre-norm transformer block, after a long skip where there is one.

    Attributes:
      heads: of the attention; divides the width.
      mlp_ratio: hidden width of the MLP over the width.
      dtype: of the computation; parameters stay float32.
    """

    heads: int
    mlp_ratio: float = 4.0
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array, skip: Array | None = None) -> Array:
        """`x` and `skip`, both `[B, L, D]` → `[B, L, D]`."""
        width = x.shape[-1]
        dense, norm = partial(Dense, dtype=self.dtype, kernel_init=XAVIER), partial(LayerNorm, dtype=self.dtype)
        if skip is not None:
            x = dense(width, name="skip")(jnp.concatenate([x, skip], axis=-1))
        x = x + SelfAttention(self.heads, dtype=self.dtype, name="attention")(norm(name="norm_1")(x))
        h = dense(int(self.mlp_ratio * width), name="mlp_in")(norm(name="norm_2")(x))
        return x + dense(width, name="mlp_out")(nn.gelu(h, approximate=False))


class UViT(nn.Module):
    """The U-ViT.

    Attributes:
      patch_size: side of a square patch; each becomes one token.
      width: of a token.
      depth: number of blocks, odd: as many before as after the middle one.
      heads: of the attention; divides the width.
      mlp_ratio: hidden width of each block's MLP over the width.
      num_classes: 0 for an unconditional network; label `num_classes` means no class.
      vectors: names of the vector conditions, such as `text`; each is a token, zero where it is missing.
      time_embedding: how `t` enters, `sinusoidal` or `fourier`; see `embeddings.embed_time`.
      freq_shift: see `embeddings.sinusoidal`.
      out_channels: `None` for as many as the input has.
      dtype: of the computation; parameters stay float32.
      remat: recompute each block in the backward pass, to save memory.
    """

    patch_size: int = 2
    width: int = 512
    depth: int = 13
    heads: int = 8
    mlp_ratio: float = 4.0
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
          x: `[B, H, W, C]`; H and W divisible by `patch_size`, and those that the positions were initialised for.

        Returns:
          `[B, H, W, out_channels]`, in the dtype of `x`.

        Raises:
          ValueError: if the patches do not tile the image, or `depth` is even.
        """
        if self.depth % 2 == 0:
            raise ValueError(f"depth={self.depth} must be odd: two halves of equal depth and one block between")
        out = x.shape[-1] if self.out_channels is None else self.out_channels
        patches = patchify(x, self.patch_size)
        batch, rows, columns, _ = patches.shape
        dense = partial(Dense, dtype=self.dtype, kernel_init=XAVIER)

        tokens = [dense(self.width, name="patch")(patches.reshape(batch, rows * columns, -1))]
        if t is not None:
            time = embed_time(t, self.width, self.time_embedding, freq_shift=self.freq_shift)
            tokens.append(time.astype(self.dtype)[:, None, :])
        label = labels_of(cond, self.num_classes, batch, self.vectors)
        if label is not None:
            table = nn.Embed(self.num_classes + 1, self.width, dtype=self.dtype, embedding_init=INIT, name="label")
            tokens.append(table(label)[:, None, :])
        for name in self.vectors:
            vector = vector_of(cond, name, batch)
            if vector is None:
                tokens.append(jnp.zeros((batch, 1, self.width), self.dtype))
            else:
                linear = Dense(self.width, use_bias=False, dtype=self.dtype, kernel_init=INIT, name=f"vector_{name}")
                tokens.append(linear(vector)[:, None, :])
        h = jnp.concatenate(tokens, axis=1)
        h = h + self.param("positions", INIT, h.shape[1:]).astype(self.dtype)[None, :, :]

        block = partial(nn.remat(Block) if self.remat else Block, self.heads, self.mlp_ratio, self.dtype)
        half = self.depth // 2
        skips: list[Array] = []
        for layer in range(self.depth):
            h = block(name=f"block_{layer}")(h, skips.pop() if layer > half else None)
            if layer < half:
                skips.append(h)

        h = LayerNorm(dtype=self.dtype, name="norm_out")(h)[:, : rows * columns]
        h = dense(self.patch_size**2 * out, name="out")(h)
        h = unpatchify(h.reshape(batch, rows, columns, -1), self.patch_size)
        conv = Conv3x3(out, dtype=self.dtype, kernel_init=nn.initializers.zeros, name="conv_out")
        return conv(h).astype(x.dtype)
