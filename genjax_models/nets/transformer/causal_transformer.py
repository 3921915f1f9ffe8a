r"""A causal transformer over vectors: what comes out at a place depends on that place and those before it.

With $p$ a learnt position, $c$ the embedding of time and class, and $\mathrm{LN}$ a layer norm,

$$h \leftarrow W x + p + c, \qquad h \leftarrow h + \mathrm{attention}_{\le}(\mathrm{LN}(h)), \qquad
h \leftarrow h + \mathrm{MLP}(\mathrm{LN}(h)), \qquad y = W' \mathrm{LN}(h).$$

The last projection starts at zero, and with it the network. A sequence that is drawn one token after another goes
through a cache of keys and values, at the cost of one token each time; the numbers are those of the full pass.

References:
  Vaswani et al., Attention Is All You Need, 2017, https://arxiv.org/abs/1706.03762
  Radford et al., Language Models are Unsupervised Multitask Learners, 2019 (layer norms before the branches)
"""

from functools import partial
from typing import overload

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_models.core.types import Array, Condition
from genjax_models.nets.layers.attention import Cache, SelfAttention
from genjax_models.nets.layers.embeddings import Conditioning
from genjax_models.nets.layers.linear import Dense

XAVIER = nn.initializers.xavier_uniform()
LayerNorm = partial(nn.LayerNorm, epsilon=1e-5)


class CausalTransformer(nn.Module):
    """The transformer.

    Attributes:
      length: tokens of the longest sequence.
      out_channels: `None` for as many as the input has.
      width: of a token inside.
      depth: number of blocks.
      heads: of the attention; divides the width.
      mlp_ratio: hidden width of each block's MLP over the width.
      num_classes: 0 for an unconditional network; label `num_classes` means no class.
      vectors: names of the vector conditions, such as `text`; see `Conditioning`.
      dtype: of the computation; parameters stay float32.
      project: map the input to the width by $W$; without, the input has that width.
    """

    length: int
    out_channels: int | None = None
    width: int = 256
    depth: int = 4
    heads: int = 4
    mlp_ratio: float = 4.0
    num_classes: int = 0
    vectors: tuple[str, ...] = ()
    dtype: jnp.dtype = jnp.float32
    project: bool = True

    @overload
    def __call__(
        self,
        x: Array,
        t: Array | None = None,
        cond: Condition | None = None,
        *,
        train: bool = False,
        caches: None = None,
    ) -> Array: ...

    @overload
    def __call__(
        self,
        x: Array,
        t: Array | None = None,
        cond: Condition | None = None,
        *,
        train: bool = False,
        caches: tuple[Cache, ...],
    ) -> tuple[Array, tuple[Cache, ...]]: ...

    @nn.compact
    def __call__(
        self,
        x: Array,
        t: Array | None = None,
        cond: Condition | None = None,
        *,
        train: bool = False,
        caches: tuple[Cache, ...] | None = None,
    ) -> Array | tuple[Array, tuple[Cache, ...]]:
        """Evaluate the network.

        Args:
          x: `[B, T, C]`, at most `length` tokens.
          caches: as `empty_caches` or an earlier call has made them: `x` then holds the tokens that follow.

        Returns:
          `[B, T, out_channels]`, in the dtype of `x`; with caches, a pair of it and the new ones.

        Raises:
          ValueError: if the sequence is too long, or not of the width where it is not projected. Of cached tokens only
            the number in one call is checked.
        """
        batch, tokens, channels = x.shape
        if tokens > self.length:
            raise ValueError(f"a sequence of {tokens} tokens is longer than the {self.length} that the network has")
        if not self.project and channels != self.width:
            raise ValueError(f"tokens of {channels} channels do not have the width {self.width}: set project=True")
        dense, norm = partial(Dense, dtype=self.dtype, kernel_init=XAVIER), partial(LayerNorm, dtype=self.dtype)
        start = 0 if caches is None else caches[0].length
        positions = self.param("positions", nn.initializers.normal(0.02), (self.length, self.width))
        here = jax.lax.dynamic_slice_in_dim(positions, start, tokens)
        embed = Conditioning(
            self.width, 256, self.num_classes, dtype=self.dtype, vectors=self.vectors, name="conditioning"
        )
        emb = embed(t, cond, batch)
        h = dense(self.width, name="in")(x) if self.project else x.astype(self.dtype)
        h = h + here.astype(self.dtype)[None] + emb[:, None]

        grown = []
        for layer in range(self.depth):
            attention = SelfAttention(self.heads, causal=True, dtype=self.dtype, name=f"attention_{layer}")
            branch = norm(name=f"norm_1_{layer}")(h)
            if caches is None:
                h = h + attention(branch)
            else:
                branch, cache = attention(branch, caches[layer])
                h = h + branch
                grown.append(cache)
            branch = dense(int(self.mlp_ratio * self.width), name=f"mlp_in_{layer}")(norm(name=f"norm_2_{layer}")(h))
            h = h + dense(self.width, name=f"mlp_out_{layer}")(nn.gelu(branch, approximate=True))

        out = channels if self.out_channels is None else self.out_channels
        y = dense(out, kernel_init=nn.initializers.zeros, name="out")(norm(name="norm_out")(h)).astype(x.dtype)
        return y if caches is None else (y, tuple(grown))

    def empty_caches(self, batch: int, dtype: jnp.dtype | None = None) -> tuple[Cache, ...]:
        """Caches with room for `length` tokens of `batch` sequences, one a block; in the network's dtype by default."""
        shape = (batch, self.length, self.heads, self.width // self.heads)
        zeros = jnp.zeros(shape, self.dtype if dtype is None else dtype)
        return (Cache(zeros, zeros, jnp.int32(0)),) * self.depth
