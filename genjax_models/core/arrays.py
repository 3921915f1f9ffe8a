"""Array helpers that several rooms need: broadcasting over the batch, means over the rest, distances, unit size."""

import math

import jax.numpy as jnp

from genjax_models.core.types import Array


def expand_as(t: Array, x: Array) -> Array:
    """Append unit axes to `t` `[B]` (or a scalar) until it broadcasts against `x` `[B, ...]`."""
    return t.reshape(t.shape + (1,) * (x.ndim - t.ndim)) if t.ndim else t


def mean_over_data(x: Array) -> Array:
    """The mean of `x` `[B, ...]` over every axis but the first: `[B]`."""
    return x.mean(axis=tuple(range(1, x.ndim)))


def sum_over_data(x: Array) -> Array:
    """The sum of `x` `[B, ...]` over every axis but the first: `[B]`."""
    return x.sum(axis=tuple(range(1, x.ndim)))


def squared_distances(x: Array, y: Array) -> Array:
    r"""Squared Euclidean distances of all pairs: `[M, D]`, `[N, D]` -> `[M, N]`.

    What is within the rounding of $\|a\|^2 + \|b\|^2 - 2 a^\top b$ is 0, so that copies have no distance.
    """
    squares = jnp.sum(x * x, axis=1)[:, None] + jnp.sum(y * y, axis=1)[None, :]
    distances = squares - 2.0 * jnp.matmul(x, y.T, precision="highest")
    rounding = 4.0 * math.sqrt(x.shape[1]) * jnp.finfo(squares.dtype).eps
    return jnp.where(distances > rounding * squares, distances, 0.0)


def at_least_float32(x: Array | float) -> Array:
    """`x` in its own precision, or in float32 if that is less; a Python number in JAX's default precision."""
    x = jnp.asarray(x)
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def unit_rms(x: Array, axis: int | tuple[int, ...], epsilon: float = 1e-4) -> Array:
    """`x` over its root mean square along `axis`, plus `epsilon`, taken in float32 or wider; the dtype stays."""
    wide = at_least_float32(x)
    mean_square = jnp.square(wide).mean(axis=axis, keepdims=True)
    rms = jnp.sqrt(jnp.maximum(mean_square, jnp.finfo(wide.dtype).tiny))  # so that zeros have a finite gradient
    return (wide / (epsilon + rms)).astype(x.dtype)
