"""A cheap measure of mode collapse, computed while training.

Metrics over samples, modes and calibration among them, are in `evaluation`.
"""

import jax.numpy as jnp

from genjax_models.core.arrays import squared_distances
from genjax_models.core.types import Array


def nearest_distance(x: Array) -> Array:
    """The root-mean-square distance of each example to the nearest other of the batch, `[B, ...]` -> `[B]`.

    If the mean of fakes is far below that of real data, they have collapsed to one image, or to fewer than the batch
    has; it is 0 if all images of a class are equal. In units of `x`; infinite in a batch of one.
    """
    flat = x.reshape(x.shape[0], -1)
    others = jnp.where(jnp.eye(len(flat), dtype=bool), jnp.inf, squared_distances(flat, flat))
    return jnp.sqrt(others.min(axis=1) / flat.shape[1])
