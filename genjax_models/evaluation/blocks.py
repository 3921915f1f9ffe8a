"""Rows in blocks: what is quadratic in the number of samples never sits in memory whole."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from genjax_models.core.types import Array, PyTree


def map_blocks(rows: Callable[[PyTree], PyTree], x: PyTree, block_size: int) -> PyTree:
    """`rows(x)` for a function that treats the rows of `x` alike, `block_size` rows at a time.

    Args:
      rows: `tree of [block_size, ...] -> tree of [block_size, ...]`; a row of the result depends only on the
        same row of the input.
      x: a tree of `[N, ...]`; the last block is padded with zeros, and their results are dropped.
      block_size: rows at once; bounds the memory.

    Returns:
      The tree of `[N, ...]` results.
    """
    size = len(jax.tree.leaves(x)[0])
    block_size = min(block_size, size)
    count = -(-size // block_size)

    def split(a: Array) -> Array:
        padded = jnp.pad(a, [(0, count * block_size - size)] + [(0, 0)] * (a.ndim - 1))
        return padded.reshape(count, block_size, *a.shape[1:])

    results = jax.lax.map(rows, jax.tree.map(split, x))
    return jax.tree.map(lambda a: a.reshape(count * block_size, *a.shape[2:])[:size], results)
