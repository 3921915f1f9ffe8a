r"""Density and coverage: precision and recall that one outlier cannot fool.

With $B_i$ the open ball around the real point $x_i$ that reaches to its k-th nearest real neighbour (k = 5):

$$ \mathrm{density} = \frac{1}{k N} \sum_{j=1}^{N} \sum_{i=1}^{M} 1[y_j \in B_i], \qquad
   \mathrm{coverage} = \frac{1}{M} \sum_{i=1}^{M} 1[\exists j: y_j \in B_i] $$

Only real points carry balls, so a stray generated sample widens nothing. Where both sets have the same distribution
the expected density is near 1 (it may exceed 1), and the expected coverage is, for any distribution,
$1 - \prod_{i=1}^{k} \frac{M - i}{M + N - i}$, about $1 - 2^{-k}$ at equal sizes.

References:
  Naeem et al., Reliable Fidelity and Diversity Metrics for Generative Models, 2020,
  https://arxiv.org/abs/2002.09797 (equations 3 and 4; the expectations in section 3.3)
"""

from typing import NamedTuple

import jax.numpy as jnp
from jax.typing import ArrayLike

from genjax_models.evaluation.neighbours import balls_containing, centred, squared_nearest, squared_radii
from genjax_models.evaluation.requirements import feature_matrix


class DensityCoverage(NamedTuple):
    """Density, not negative, and coverage, in [0, 1]."""

    density: float
    coverage: float


def density_coverage(real: ArrayLike, generated: ArrayLike, *, k: int = 5, block_size: int = 512) -> DensityCoverage:
    """Density and coverage of generated features with respect to real ones.

    Args:
      real: features `[M, D]`.
      generated: features `[N, D]`.
      k: which neighbour gives a ball its radius.
      block_size: rows of a distance matrix held in memory at once; changes no number beyond rounding.

    Raises:
      UserError: if there are at most k real samples or no generated one, or a feature is not finite.
    """
    metric = f"density and coverage with k = {k}"
    x, y = centred(
        feature_matrix(real, "real features", at_least=k + 1, metric=metric),
        feature_matrix(generated, "generated features", at_least=1, metric=metric),
    )
    radii = squared_radii(x, k=k, block_size=block_size)
    inside = balls_containing(y, x, radii, closed=False, block_size=block_size)
    nearest = squared_nearest(x, y, block_size=block_size)
    return DensityCoverage(density=float(jnp.mean(inside)) / k, coverage=float(jnp.mean(nearest < radii)))
