"""A cheap alarm of mode collapse, measured while training.

Metrics over samples, modes and calibration among them, are in `evaluation`.
"""

import jax.numpy as jnp

from genjax_models.core.types import Array


def nearest_distance(x: Array) -> Array:
    """The root-mean-square distance of each example to the nearest other of the batch, `[B, ...]` -> `[B]`.

    Fakes whose mean falls far below that of real data have collapsed, onto one image or onto fewer than the batch has:
    whoever makes one image of each class leaves no distance. In units of `x`; infinite in a batch of one.
    """
    flat = x.reshape(x.shape[0], -1)
    squares = (flat**2).mean(axis=1)
    squared = squares[:, None] + squares[None, :] - 2.0 * (flat @ flat.T) / flat.shape[1]
    others = jnp.where(jnp.eye(len(flat), dtype=bool), jnp.inf, squared)
    return jnp.sqrt(jnp.maximum(others.min(axis=1), 0.0))
