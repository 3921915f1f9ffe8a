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

from genjax_models.core.arrays import sum_over_data
from genjax_models.core.types import Array


def quadratic_forms(f: Callable[[Array], Array], x: Array, directions: Array) -> tuple[Array, Array]:
    r"""The field and $v^\top J v$ for several directions, $J = \partial f/\partial x$ of each example by itself.

    Args:
      f: the field, `[B, ...] -> [B, ...]`; an example must not see its neighbours.
      x: where to evaluate it, `[B, ...]`.
      directions: `[K, B, ...]`, probes or the `basis`.

    Returns:
      The field `[B, ...]`, and the forms `[B, K]`.
    """
    value, pull = jax.vjp(f, x)
    forms = jax.vmap(lambda v: sum_over_data(v * pull(v)[0]), out_axes=1)(directions)
    return value, forms


def basis(x: Array) -> Array:
    """The unit vectors of an example's space, for every example of `x` `[B, ...]`: `[D, B, ...]`."""
    dims = x[0].size
    units = jnp.eye(dims, dtype=x.dtype).reshape(dims, 1, *x.shape[1:])
    return jnp.broadcast_to(units, (dims, *x.shape))
