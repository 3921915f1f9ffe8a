"""What every metric requires of a set of features before it counts anything."""

import numpy as np
from jax.typing import ArrayLike

from genjax_models.core.errors import UserError


def feature_matrix(features: ArrayLike, role: str, *, at_least: int, metric: str) -> np.ndarray:
    """`features` as a NumPy matrix `[N, D]`, checked.

    Args:
      features: `[N, D]`, anything NumPy can read.
      role: what the message calls them ("generated features").
      at_least: the smallest N for which the metric is defined.
      metric: what the message calls the metric.

    Raises:
      ValueError: if the array is not a matrix.
      UserError: if N is too small or a value is not finite.
    """
    x = np.asarray(features)
    if x.ndim != 2:
        raise ValueError(f"{role} must be a matrix [N, D], got the shape {x.shape}")
    if len(x) < at_least:
        raise UserError(f"{metric} needs at least {at_least} samples, got {len(x)} ({role}): generate or load more")
    if not np.isfinite(x).all():
        raise UserError(f"{role} contain values that are not finite: the samples or the net's weights are broken")
    return x
