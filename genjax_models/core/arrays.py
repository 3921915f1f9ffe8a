"""Array helpers that several rooms need: batch broadcasting and means over everything but the batch."""

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
