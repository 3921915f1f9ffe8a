"""A cheap alarm of mode collapse, measured while training.

Metrics over samples, modes and calibration among them, are in `evaluation`.
"""

import jax.numpy as jnp

from genjax_models.core.arrays import squared_distances
from genjax_models.core.types import Array


def nearest_distance(x: Array) -> Array:
    """The root-mean-square distance of each example to the nearest other of the batch, `[B, ...]` -> `[B]`.

    Fakes whose mean falls far below that of real data have collapsed, onto one image or onto fewer than the batch has:
    whoever makes one image of each class leaves no distance. In units of `x`; infinite in a batch of one.
    """
    flat = x.reshape(x.shape[0], -1)
    others = jnp.where(jnp.eye(len(flat), dtype=bool), jnp.inf, squared_distances(flat, flat))
    return jnp.sqrt(others.min(axis=1) / flat.shape[1])
