"""Distributions as a pair of functions: what a prior, a base of a flow or a toy set is to who samples or scores it."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from genjax_models.core.arrays import sum_over_data
from genjax_models.core.types import Array, Key


class Density(NamedTuple):
    """A distribution bound to its parameters.

    Attributes:
      sample: `(key, n) -> z`, `[n, ...]`.
      log_prob: `z [B, ...] -> [B]`, nats.
    """

    sample: Callable[[Key, int], Array]
    log_prob: Callable[[Array], Array]


def standard_normal(shape: tuple[int, ...]) -> Density:
    """Independent normals of zero mean and unit variance, `shape` each."""
    return Density(
        lambda key, n: jax.random.normal(key, (n, *shape)),
        lambda z: sum_over_data(jax.scipy.stats.norm.logpdf(z)),
    )


def standard_logistic(shape: tuple[int, ...]) -> Density:
    """Independent logistic variables of zero mean and unit scale: the prior of NICE."""
    return Density(
        lambda key, n: jax.random.logistic(key, (n, *shape)),
        lambda z: sum_over_data(jax.scipy.stats.logistic.logpdf(z)),
    )


def uniform(shape: tuple[int, ...], low: float = 0.0, high: float = 1.0) -> Density:
    """Independent uniform variables on `[low, high)`: the base of flows on a box; see also `uniform_angle`."""
    return Density(
        lambda key, n: jax.random.uniform(key, (n, *shape), minval=low, maxval=high),
        lambda z: sum_over_data(jnp.where((z >= low) & (z < high), -jnp.log(high - low), -jnp.inf)),
    )


def uniform_angle(shape: tuple[int, ...]) -> Density:
    r"""Independent uniform angles, drawn from $[-\pi, \pi)$: the base of flows on the torus."""
    return Density(
        lambda key, n: jax.random.uniform(key, (n, *shape), minval=-jnp.pi, maxval=jnp.pi),
        lambda z: sum_over_data(jnp.full_like(z, -jnp.log(2.0 * jnp.pi))),
    )
