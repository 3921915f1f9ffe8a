r"""Kernel distance (KID): the unbiased squared MMD of two sets of features under a cubic kernel.

$$ k(x, y) = \Big(\frac{x^\top y}{D} + 1\Big)^3, \qquad
   \widehat{\mathrm{MMD}}{}^2 = \frac{\sum_{i \ne j} k(x_i, x_j)}{m(m-1)}
   + \frac{\sum_{i \ne j} k(y_i, y_j)}{n(n-1)} - \frac{2}{mn} \sum_{i,j} k(x_i, y_j) $$

Bińkowski et al. average this over random subsets of 1000 samples, to save work. Every subset's expectation is that
of the whole, and the whole has the smallest variance of all, so here all pairs are counted once, in blocks.
The standard error is the two-sample delete-one jackknife, which follows from the row sums of the same kernel
matrices; it is conservative (by Efron and Stein its square is on average at least the variance; up to twice it
where both sets have the same distribution).

References:
  Bińkowski et al., Demystifying MMD GANs, 2018, https://arxiv.org/abs/1801.01401
  Gretton et al., A Kernel Two-Sample Test, 2012 (lemma 6, the unbiased estimate).
  Efron & Stein, The Jackknife Estimate of Variance, 1981.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from genjax_models.core.types import Array
from genjax_models.evaluation.blocks import map_blocks
from genjax_models.evaluation.requirements import feature_matrix


class KernelDistance(NamedTuple):
    """An estimate of the squared MMD and its standard error (jackknife)."""

    value: float
    stderr: float


def kernel_distance(real: ArrayLike, generated: ArrayLike, *, block_size: int = 512) -> KernelDistance:
    """The unbiased squared MMD between two sets of features ("KID" when the features are Inception's).

    Args:
      real: features `[M, D]`.
      generated: features `[N, D]`.
      block_size: rows of a kernel matrix held in memory at once; changes no number beyond rounding.

    Returns:
      The estimate, negative about half of the time when the distributions agree, with its standard error.

    Raises:
      UserError: if a set has fewer than three samples or is not finite.
    """
    x = feature_matrix(real, "real features", at_least=3, metric="the kernel distance")
    y = feature_matrix(generated, "generated features", at_least=3, metric="the kernel distance")
    within_x, within_y = _within(x, block_size), _within(y, block_size)
    cross_x, cross_y = _row_sums(x, y, block_size), _row_sums(y, x, block_size)

    m, n = len(x), len(y)
    sum_x, sum_y, sum_xy = within_x.sum(), within_y.sum(), cross_x.sum()
    mean_x, mean_y = sum_x / (m * (m - 1)), sum_y / (n * (n - 1))
    value = mean_x + mean_y - 2 * sum_xy / (m * n)
    without_x = (sum_x - 2 * within_x) / ((m - 1) * (m - 2)) + mean_y - 2 * (sum_xy - cross_x) / ((m - 1) * n)
    without_y = mean_x + (sum_y - 2 * within_y) / ((n - 1) * (n - 2)) - 2 * (sum_xy - cross_y) / (m * (n - 1))
    variance = (m - 1) * without_x.var() + (n - 1) * without_y.var()
    return KernelDistance(float(value), float(np.sqrt(variance)))


def cubic_kernel(x: Array, y: Array) -> Array:
    """$k(x, y)$ of every pair: `[M, D]`, `[N, D]` -> `[M, N]`."""
    return (jnp.matmul(x, y.T, precision="highest") / x.shape[-1] + 1.0) ** 3


def _within(x: np.ndarray, block_size: int) -> np.ndarray:
    """Row sums of the kernel matrix of a set with itself, its diagonal left out: `[N]` float64."""
    diagonal = (np.square(x, dtype=np.float64).sum(axis=1) / x.shape[1] + 1.0) ** 3
    return _row_sums(x, x, block_size) - diagonal


def _row_sums(x: np.ndarray, y: np.ndarray, block_size: int) -> np.ndarray:
    return np.asarray(_device_row_sums(x, y, block_size=block_size), np.float64)


@partial(jax.jit, static_argnames="block_size")
def _device_row_sums(x: Array, y: Array, *, block_size: int) -> Array:
    return map_blocks(lambda block: cubic_kernel(block, y).sum(axis=1), x, block_size)
