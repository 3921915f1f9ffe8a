"""Fixed permutations of the last axis: every coupling then sees other halves. Volume is kept."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from genjax_models.families.flows.bijection import Bijection, constant_volume


def permutation(order: Sequence[int] | np.ndarray) -> Bijection:
    """Channel i of the result is channel `order[i]` of the data.

    Raises:
      ValueError: if `order` does not hold each of 0 .. C - 1 once.
    """
    forward = np.asarray(order)
    if sorted(forward.tolist()) != list(range(forward.size)):
        raise ValueError(f"a permutation holds each of 0..{forward.size - 1} once, got {forward.tolist()}")
    backward = np.argsort(forward)
    return constant_volume(lambda x: jnp.take(x, forward, axis=-1), lambda y: jnp.take(y, backward, axis=-1))


def reverse() -> Bijection:
    """The last axis backwards."""
    return constant_volume(lambda x: jnp.flip(x, axis=-1), lambda y: jnp.flip(y, axis=-1))
