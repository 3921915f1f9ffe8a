r"""BERT's encoder: every token attends to every token, with layer norms behind the branches.

With $e$, $p$ and $s$ the embeddings of a token, of its position, and of its segment (always the first here),

$$h \leftarrow \mathrm{LN}(e + p + s), \qquad h \leftarrow \mathrm{LN}(h + \mathrm{attention}(h)), \qquad
h \leftarrow \mathrm{LN}(h + W' \mathrm{gelu}(W h)), \qquad \mathrm{gelu}(u) = u\,\Phi(u).$$

References:
  Devlin et al., BERT: Pre-training of Deep Bidirectional Transformers, 2019, https://arxiv.org/abs/1810.04805
"""

from collections.abc import Mapping
from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_models.core.types import Array
from genjax_models.nets.layers.linear import Dense


class Bert(nn.Module):
    """The encoder, for inference: there is no dropout.

    Attributes:
      vocabulary: number of different tokens.
      length: positions, the tokens of the longest sequence.
      segments: rows of the table of segments.
      width: of a token inside.
      depth: number of blocks.
      heads: of the attention; divides the width.
      hidden: width of each block's MLP.
      epsilon: of the layer norms.
      dtype: of the computation; parameters stay float32.
    """

    vocabulary: int
    length: int = 512
    segments: int = 2
    width: int = 384
    depth: int = 6
    heads: int = 12
    hidden: int = 1536
    epsilon: float = 1e-12
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        x: Array,
        t: Array | None = None,
        cond: Mapping[str, Array] | None = None,
        *,
        train: bool = False,
    ) -> Array:
        """Encode sequences of tokens.

        Args:
          x: `int32` `[B, L]`.
          t: accepted for the network contract; there is no time.
          cond: `{"mask": bool [B, L]}`, True for tokens and False for padding; `None`: no padding.
          train: accepted for the network contract.

        Returns:
          `[B, L, width]`; what stands at padding means nothing.

        Raises:
          ValueError: if a sequence is too long, or the heads do not divide the width.
        """
        batch, tokens = x.shape
        if tokens > self.length:
            raise ValueError(f"a sequence of {tokens} tokens is longer than the {self.length} that the network has")
        if self.width % self.heads:
            raise ValueError(f"{self.heads} heads do not divide a width of {self.width}")
        mask = jnp.ones(x.shape, bool) if cond is None else cond["mask"]
        dense = partial(Dense, dtype=self.dtype)
        embed = partial(nn.Embed, features=self.width, dtype=self.dtype)
        norm = partial(nn.LayerNorm, epsilon=self.epsilon, dtype=self.dtype, use_fast_variance=False)

        here = embed(self.length, name="positions")(jnp.arange(tokens)[None])
        first = embed(self.segments, name="segments")(jnp.zeros((1, 1), jnp.int32))
        h = norm(name="norm")(embed(self.vocabulary, name="tokens")(x) + here + first)
        for layer in range(self.depth):
            q, k, v = (
                dense(self.width, name=f"{part}_{layer}")(h).reshape(batch, tokens, self.heads, -1)
                for part in ("query", "key", "value")
            )
            seen = jax.nn.dot_product_attention(q, k, v, mask=mask[:, None, None, :]).reshape(h.shape)
            h = norm(name=f"norm_1_{layer}")(h + dense(self.width, name=f"out_{layer}")(seen))
            branch = nn.gelu(dense(self.hidden, name=f"mlp_in_{layer}")(h), approximate=False)
            h = norm(name=f"norm_2_{layer}")(h + dense(self.width, name=f"mlp_out_{layer}")(branch))
        return h
