r"""Traces of Jacobians, exact and estimated, from one function: the quadratic forms $v^\top J v$ of a field.

$$\mathrm{tr}\,J = \sum_i e_i^\top J e_i = E_v\,[v^\top J v] \quad\text{where } E[v v^\top] = I.$$

The basis gives the exact trace at one backward pass a dimension; Rademacher or normal probes give Hutchinson's unbiased
estimate at one a probe. Backward passes rather than forward ones, since networks may define their own gradients.

References:
  Hutchinson, A stochastic estimator of the trace of the influence matrix, 1989
  Grathwohl et al., FFJORD, 2019, https://arxiv.org/abs/1810.01367
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from genjax_models.core.arrays import sum_over_data
from genjax_models.core.types import Array, Key

Directions = Callable[[Array], Array]
"""`x [B, ...] -> v [K, B, ...]` of the same dtype, whose K quadratic forms add up to a trace, or do so on average."""


def vector_jacobian_products(f: Callable[[Array], Array], x: Array, directions: Array) -> tuple[Array, Array]:
    r"""The field and $v^\top J$ for several directions, $J = \partial f/\partial x$ of each example by itself.

    Args:
      f: the field, `[B, ...] -> [B, ...]`; an example must not see its neighbours.
      x: where to evaluate it, `[B, ...]`.
      directions: `[K, B, ...]`, probes or the `basis`.

    Returns:
      The field `[B, ...]`, and the products `[K, B, ...]`.
    """
    value, pull = jax.vjp(f, x)
    if len(directions) == 1:  # without an axis more the backward pass of a UNet takes 0.92 of the time on CPU
        return value, pull(directions[0])[0][None]
    return value, jax.vmap(lambda v: pull(v)[0])(directions)


def quadratic_forms(f: Callable[[Array], Array], x: Array, directions: Array) -> tuple[Array, Array]:
    r"""The field `[B, ...]` and $v^\top J v$ `[B, K]`; arguments are those of `vector_jacobian_products`."""
    value, products = vector_jacobian_products(f, x, directions)
    return value, inner_products(directions, products).T


def inner_products(a: Array, b: Array) -> Array:
    """The inner product of each example with its partner: `[K, B, ...]` twice → `[K, B]`."""
    return jax.vmap(sum_over_data)(a * b)


def basis(x: Array) -> Array:
    """The unit vectors of an example's space, for every example of `x` `[B, ...]`: `[D, B, ...]`."""
    dims = x[0].size
    units = jnp.eye(dims, dtype=x.dtype).reshape(dims, 1, *x.shape[1:])
    return jnp.broadcast_to(units, (dims, *x.shape))


def hutchinson(key: Key, num: int = 1, *, noise: Callable[..., Array] = jax.random.rademacher) -> Directions:
    r"""Random directions, `num` an example, over $\sqrt{\mathrm{num}}$ so that their forms add up to the estimate.

    Args:
      key: one typed PRNG key; every call draws the same numbers from it.
      num: probes an example.
      noise: `(key, shape, dtype) -> probes`; Rademacher's have the least variance, `jax.random.normal` is FFJORD's.

    Raises:
      ValueError: if there is no probe.
    """
    if num < 1:
        raise ValueError(f"Hutchinson's estimate needs at least 1 probe, got {num}")
    return lambda x: noise(key, (num, *x.shape), x.dtype) / np.sqrt(num).astype(x.dtype)
