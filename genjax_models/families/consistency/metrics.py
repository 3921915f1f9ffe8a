"""How far two batches are apart, `(x [B, ...], y [B, ...]) -> [B]`: the distance under a consistency loss."""

import math
from collections.abc import Callable

import jax.numpy as jnp

from genjax_models.core.arrays import mean_over_data, sum_over_data
from genjax_models.core.types import Array

Metric = Callable[[Array, Array], Array]


def l2(x: Array, y: Array) -> Array:
    """The squared difference, averaged over the data axes."""
    return mean_over_data((x - y) ** 2)


def pseudo_huber(x: Array, y: Array) -> Array:
    r"""$\sqrt{\lVert x - y\rVert^2 + c^2} - c$ with $c = 0.00054\sqrt{d}$ for d numbers an example.

    It is quadratic where the difference is small, and grows like a norm, summed over the data, where it is not.

    References:
      Song and Dhariwal, Improved Techniques for Training Consistency Models, 2023, section 3.3, https://arxiv.org/abs/2310.14189
    """
    c = 0.00054 * math.sqrt(math.prod(x.shape[1:]))
    return jnp.sqrt(sum_over_data((x - y) ** 2) + c**2) - c
