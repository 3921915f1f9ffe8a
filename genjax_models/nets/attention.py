r"""Softmax attention, $\mathrm{softmax}(q k^\top / \sqrt{d})\, v$, over several heads."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from genjax_models.core import cpu
from genjax_models.core.types import Array
from genjax_models.nets.linear import Dense


def attention(q: Array, k: Array, v: Array) -> Array:
    """Attention of every query to every key.

    The form for CPUs is chosen while tracing, by the default backend. A choice at lowering
    (`lax.platform_dependent`) would be differentiated in both forms and carry the residuals of both.

    Args:
      q: `[B, L, H, d]`.
      k, v: `[B, S, H, d]`.

    Returns:
      `[B, L, H, d]`.

    References:
      Vaswani et al., Attention Is All You Need, 2017, https://arxiv.org/abs/1706.03762
    """
    if jax.default_backend() == "cpu":
        return cpu.attention(q, k, v)
    return jax.nn.dot_product_attention(q, k, v)


class SelfAttention(nn.Module):
    """Multi-head self-attention between two projections.

    Attributes:
      heads: number of heads; divides the width.
      zero_init: start the output projection at zero, so that a residual block starts as the identity.
      dtype: of the computation; parameters stay float32.
    """

    heads: int
    zero_init: bool = False
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """`x` `[B, L, D]` → `[B, L, D]`.

        Raises:
          ValueError: if the heads do not divide D.
        """
        batch, length, width = x.shape
        if width % self.heads:
            raise ValueError(f"{self.heads} heads do not divide a width of {width}")
        init = nn.initializers.xavier_uniform()
        qkv = Dense(3 * width, dtype=self.dtype, kernel_init=init, name="qkv")(x)
        q, k, v = jnp.moveaxis(qkv.reshape(batch, length, 3, self.heads, width // self.heads), 2, 0)
        y = attention(q, k, v).reshape(batch, length, width)
        return Dense(
            width, dtype=self.dtype, kernel_init=nn.initializers.zeros if self.zero_init else init, name="out"
        )(y)
