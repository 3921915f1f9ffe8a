r"""Softmax attention, $\mathrm{softmax}(q k^\top / \sqrt{d})\, v$, over several heads."""

from typing import NamedTuple, overload

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_models.core import cpu
from genjax_models.core.types import Array
from genjax_models.nets.layers.linear import Dense


class Cache(NamedTuple):
    """The keys and values of what a causal layer has seen.

    Attributes:
      k, v: `[B, S, H, d]`, with room for S tokens.
      length: how many of them there are, an int32 scalar.
    """

    k: Array
    v: Array
    length: Array


def attention(q: Array, k: Array, v: Array, mask: Array | None = None) -> Array:
    """Attention of every query to every key, or to those that a mask shows it.

    The form for CPUs is chosen while tracing, by the default backend. A choice at lowering
    (`lax.platform_dependent`) would be differentiated in both forms and carry the residuals of both.

    Args:
      q: `[B, L, H, d]`.
      k, v: `[B, S, H, d]`.
      mask: `[L, S]` bool, True where a query sees a key; every query sees one.

    Returns:
      `[B, L, H, d]`.

    References:
      Vaswani et al., Attention Is All You Need, 2017, https://arxiv.org/abs/1706.03762
    """
    if jax.default_backend() == "cpu":
        return cpu.attention(q, k, v, mask)
    return jax.nn.dot_product_attention(q, k, v, mask=None if mask is None else mask[None, None])


class SelfAttention(nn.Module):
    """Multi-head self-attention between two projections.

    Attributes:
      heads: number of heads; divides the width.
      causal: a token sees itself and those before it.
      zero_init: start the output projection at zero, so that a residual block starts as the identity.
      dtype: of the computation; parameters stay float32.
    """

    heads: int
    causal: bool = False
    zero_init: bool = False
    dtype: jnp.dtype = jnp.float32

    @overload
    def __call__(self, x: Array, cache: None = None) -> Array: ...

    @overload
    def __call__(self, x: Array, cache: Cache) -> tuple[Array, Cache]: ...

    @nn.compact
    def __call__(self, x: Array, cache: Cache | None = None) -> Array | tuple[Array, Cache]:
        """`x` `[B, L, D]` → `[B, L, D]`; with a cache, whose tokens `x` follows, a pair of that and the new cache.

        Raises:
          ValueError: if the heads do not divide D, or a cache is given to a layer that is not causal.
        """
        batch, length, width = x.shape
        if width % self.heads:
            raise ValueError(f"{self.heads} heads do not divide a width of {width}")
        if cache is not None and not self.causal:
            raise ValueError("only causal attention can continue from a cache: set causal=True")
        init = nn.initializers.xavier_uniform()
        qkv = Dense(3 * width, dtype=self.dtype, kernel_init=init, name="qkv")(x)
        q, k, v = jnp.moveaxis(qkv.reshape(batch, length, 3, self.heads, width // self.heads), 2, 0)
        seen = jnp.int32(0) if cache is None else cache.length
        if cache is not None:
            k, v = (
                jax.lax.dynamic_update_slice_in_dim(old, new.astype(old.dtype), seen, axis=1)
                for old, new in ((cache.k, k), (cache.v, v))
            )
            cache = Cache(k, v, seen + length)
        mask = jnp.arange(k.shape[1])[None, :] <= seen + jnp.arange(length)[:, None] if self.causal else None
        y = attention(q, k, v, mask).reshape(batch, length, width)
        y = Dense(width, dtype=self.dtype, kernel_init=nn.initializers.zeros if self.zero_init else init, name="out")(y)
        return y if cache is None else (y, cache)
