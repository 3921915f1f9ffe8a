r"""Nearest neighbours in feature space, by blocks on the device: what the manifold metrics are made of.

$\|a - b\|^2 = \|a\|^2 + \|b\|^2 - 2 a^\top b$, in float32. Features are centred on a common mean first, which
changes no distance and saves the digits that a large mean would cancel.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from genjax_models.core.arrays import squared_distances
from genjax_models.core.types import Array
from genjax_models.evaluation.blocks import map_blocks


def centred(x: np.ndarray, y: np.ndarray) -> tuple[Array, Array]:
    """Both sets, `[M, D]` and `[N, D]`, less the mean of the first, as float32 on the device."""
    mean = x.mean(axis=0, dtype=np.float64)[None, :]
    return jnp.asarray(x - mean, jnp.float32), jnp.asarray(y - mean, jnp.float32)


@partial(jax.jit, static_argnames=("k", "block_size"))
def squared_radii(x: Array, *, k: int, block_size: int = 512) -> Array:
    """The squared distance of each row of `x` `[N, D]` to its k-th nearest *other* row: `[N]`."""
    numbered = jnp.arange(len(x))

    def kth(block: tuple[Array, Array]) -> Array:
        rows, indices = block
        own = indices[:, None] == numbered[None, :]
        return kth_smallest(jnp.where(own, jnp.inf, squared_distances(rows, x)), k)

    return map_blocks(kth, (x, numbered), block_size)


@partial(jax.jit, static_argnames=("closed", "block_size"))
def balls_containing(points: Array, centres: Array, squared: Array, *, closed: bool, block_size: int = 512) -> Array:
    """How many balls contain each point.

    Args:
      points: `[M, D]`.
      centres: `[N, D]`.
      squared: `[N]`, the squared radii of the balls.
      closed: whether a point on the surface is inside.
      block_size: points at once.

    Returns:
      `[M]` int32.
    """

    def count(rows: Array) -> Array:
        distances = squared_distances(rows, centres)
        inside = distances <= squared[None, :] if closed else distances < squared[None, :]
        return jnp.sum(inside, axis=1, dtype=jnp.int32)

    return map_blocks(count, points, block_size)


@partial(jax.jit, static_argnames="block_size")
def squared_nearest(points: Array, others: Array, *, block_size: int = 512) -> Array:
    """The squared distance of each point `[M, D]` to the nearest of `others` `[N, D]`: `[M]`."""
    return map_blocks(lambda rows: jnp.min(squared_distances(rows, others), axis=1), points, block_size)


def kth_smallest(x: Array, k: int) -> Array:
    """The k-th smallest value of each row of `x` `[M, N]`, counted from 1 and with repetitions: `[M]`.

    It climbs from one distinct value to the next, k - 1 times at most: for the small k of these metrics that is
    many times faster on CPU than `top_k` or a sort of the row.
    """
    level = jnp.min(x, axis=1)
    for _ in range(k - 1):
        reached = jnp.sum(x <= level[:, None], axis=1) >= k
        above = jnp.min(jnp.where(x > level[:, None], x, jnp.inf), axis=1)
        level = jnp.where(reached, level, above)
    return level
