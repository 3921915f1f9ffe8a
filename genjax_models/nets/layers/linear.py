"""A dense layer that multiplies matrices, whatever the shape around them."""

import flax.linen as nn
import jax.numpy as jnp

from genjax_models.core.types import Array


class Dense(nn.Dense):
    """`flax.linen.Dense` on the rows of one matrix: leading axes are merged before and restored after.

    The parameters and the function are those of `nn.Dense`. With one row axis the gradient of the kernel is a
    plain `x.T @ g`; with several, XLA first transposes `g` inside whatever computed it, which on a CPU costs
    more than the product.
    """

    def __call__(self, x: Array) -> Array:
        """`x` `[..., D]` → `[..., features]`."""
        y = super().__call__(jnp.reshape(x, (-1, x.shape[-1])))
        return y.reshape((*x.shape[:-1], self.features))
