r"""Improved precision and recall: how much of what was generated is real, how much of what is real is generated.

A set $\Phi$ of features is represented by the union of closed balls around its points; the radius of a ball is the
distance to the point's k-th nearest neighbour in $\Phi$ (equation 1; k = 3 in the paper):

$$ f(\phi, \Phi) = 1 \text{ if } \|\phi - \phi'\| \le \|\phi' - \mathrm{NN}_k(\phi', \Phi)\|
   \text{ for some } \phi' \in \Phi, \text{ else } 0 $$
$$ \mathrm{precision} = \mathbb{E}_{\phi_g}\, f(\phi_g, \Phi_r), \qquad
   \mathrm{recall} = \mathbb{E}_{\phi_r}\, f(\phi_r, \Phi_g) $$

The balls grow with few samples: both sets should have the same size, and numbers compare at equal sizes only.

References:
  Kynkäänniemi et al., Improved Precision and Recall Metric for Assessing Generative Models, 2019,
  https://arxiv.org/abs/1904.06991
"""

from typing import NamedTuple

import jax.numpy as jnp
from jax.typing import ArrayLike

from genjax_models.core.types import Array
from genjax_models.evaluation.neighbours import balls_containing, centred, squared_radii
from genjax_models.evaluation.requirements import feature_matrix


class PrecisionRecall(NamedTuple):
    """Two fractions in [0, 1]."""

    precision: float
    recall: float


def precision_recall(real: ArrayLike, generated: ArrayLike, *, k: int = 3, block_size: int = 512) -> PrecisionRecall:
    """Improved precision and recall between two sets of features.

    Args:
      real: features `[M, D]`.
      generated: features `[N, D]`.
      k: which neighbour gives a ball its radius.
      block_size: rows of a distance matrix held in memory at once; changes no number beyond rounding.

    Raises:
      UserError: if a set has at most k samples or is not finite.
    """
    metric = f"precision and recall with k = {k}"
    x, y = centred(
        feature_matrix(real, "real features", at_least=k + 1, metric=metric),
        feature_matrix(generated, "generated features", at_least=k + 1, metric=metric),
    )

    def covered(points: Array, manifold: Array) -> float:
        radii = squared_radii(manifold, k=k, block_size=block_size)
        return float(jnp.mean(balls_containing(points, manifold, radii, closed=True, block_size=block_size) > 0))

    return PrecisionRecall(precision=covered(y, x), recall=covered(x, y))
