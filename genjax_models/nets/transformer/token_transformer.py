r"""A language model: a causal transformer between an embedding of tokens and logits of the next one.

With $E$ a table of $V + 1$ rows, whose last one is the begin token,

$$h_1 = E_V, \qquad h_i = E_{x_{i-1}} \quad (1 < i \le L), \qquad \mathrm{logits} = \mathrm{transformer}(h),$$

so that the logits at place i are functions of $x_{<i}$, and those of the first place of the begin token alone. The
table and the last projection are separate; the projection starts at zero, and with it every distribution as uniform.

References:
  Radford et al., Language Models are Unsupervised Multitask Learners, 2019
"""

import flax.linen as nn
import jax.numpy as jnp

from genjax_models.core.types import Array, Condition
from genjax_models.nets.layers.attention import Cache
from genjax_models.nets.transformer.causal_transformer import CausalTransformer


class TokenTransformer(nn.Module):
    """The network.

    Attributes:
      vocabulary: V, the number of tokens.
      length: L, tokens of the longest sequence.
      width, depth, heads, mlp_ratio, num_classes, vectors, dtype: see `CausalTransformer`.
    """

    vocabulary: int
    length: int
    width: int = 128
    depth: int = 4
    heads: int = 4
    mlp_ratio: float = 4.0
    num_classes: int = 0
    vectors: tuple[str, ...] = ()
    dtype: jnp.dtype = jnp.float32

    def setup(self) -> None:
        """The table and the transformer."""
        self.embedding = nn.Embed(self.vocabulary + 1, self.width, embedding_init=nn.initializers.normal(0.02))
        self.transformer = CausalTransformer(
            self.length,
            self.vocabulary,
            width=self.width,
            depth=self.depth,
            heads=self.heads,
            mlp_ratio=self.mlp_ratio,
            num_classes=self.num_classes,
            vectors=self.vectors,
            dtype=self.dtype,
            project=False,
        )

    def __call__(
        self, x: Array, t: Array | None = None, cond: Condition | None = None, *, train: bool = False
    ) -> Array:
        """The logits of every token given those before it.

        Args:
          x: int `[B, L]`, tokens below V, at most `length` of them.

        Returns:
          float32 `[B, L, V]`; those at place i see the tokens before i.

        Raises:
          ValueError: if the sequence is too long or no integers.
        """
        begin = jnp.full((x.shape[0], 1), self.vocabulary, x.dtype)
        seen = jnp.concatenate([begin, x[:, :-1]], axis=1)
        return self.transformer(self.embedding(seen), t, cond, train=train)

    def next_logits(
        self, token: Array | None, caches: tuple[Cache, ...], cond: Condition | None = None
    ) -> tuple[Array, tuple[Cache, ...]]:
        """The logits of the token that follows.

        Args:
          token: int `[B]`, the one before it; `None` for the begin token, which comes first.
          caches: of all before that, as `empty_caches` or an earlier call has made them.
          cond: as for a call of the network.

        Returns:
          float32 `[B, V]`, and the new caches.
        """
        batch = caches[0].k.shape[0]
        before = jnp.full(batch, self.vocabulary, jnp.int32) if token is None else token
        logits, caches = self.transformer(self.embedding(before[:, None]), None, cond, caches=caches)
        return logits[:, 0], caches

    def empty_caches(self, batch: int) -> tuple[Cache, ...]:
        """Caches of `batch` sequences of which nothing has been seen, one a block."""
        return self.transformer.empty_caches(batch)
