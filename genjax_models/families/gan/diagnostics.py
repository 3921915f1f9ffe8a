"""A cheap alarm of mode collapse, measured while training.

Metrics over samples, modes and calibration among them, are in `evaluation`.
"""

import jax.numpy as jnp

from genjax_models.core.arrays import mean_over_data
from genjax_models.core.types import Array


def diversity(x: Array) -> Array:
    """The root-mean-square distance of each example to the next of the batch, `[B, ...]` -> `[B]`, in units of `x`.

    Fakes whose mean falls far below that of real data of the same classes have collapsed.
    """
    return jnp.sqrt(mean_over_data((x - jnp.roll(x, -1, axis=0)) ** 2))
