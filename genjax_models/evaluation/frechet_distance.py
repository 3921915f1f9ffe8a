r"""Fréchet distance between Gaussians fitted to two sets of features.

$$ d^2 = \|\mu_1 - \mu_2\|^2 + \mathrm{tr}\,\Sigma_1 + \mathrm{tr}\,\Sigma_2
         - 2\,\mathrm{tr}\big(\Sigma_1^{1/2} \Sigma_2 \Sigma_1^{1/2}\big)^{1/2} $$

The last trace is the sum of the singular values of $\Sigma_1^{1/2}\Sigma_2^{1/2}$. Computed so, no product of
covariances is ever square-rooted: rank-deficient covariances (fewer samples than dimensions) lose no digits and
nothing becomes complex. Everything is float64 on the host.

The estimate from samples is biased upwards, by about a constant over the number of samples, and the constant
depends on the model. So compare distances at equal sample sizes only, and beside the distance that real data
have to real data at that size (`table.measure` prints it).

References:
  Heusel et al., GANs Trained by a Two Time-Scale Update Rule, 2017, https://arxiv.org/abs/1706.08500
  Dowson & Landau, The Fréchet Distance between Multivariate Normal Distributions, 1982.
  Chong & Forsyth, Effectively Unbiased FID and Inception Score, 2019, https://arxiv.org/abs/1911.07023
"""

from typing import NamedTuple

import numpy as np
from jax.typing import ArrayLike

from genjax_models.evaluation.requirements import feature_matrix


class Moments(NamedTuple):
    """What the Fréchet distance needs of a set.

    Attributes:
      mean: `[D]` float64.
      covariance: `[D, D]` float64, normalised by N - 1.
    """

    mean: np.ndarray
    covariance: np.ndarray


def moments(features: ArrayLike, role: str = "features") -> Moments:
    """The mean and the unbiased covariance of `features` `[N, D]`, in float64.

    Args:
      features: `[N, D]`.
      role: what an error calls them.

    Raises:
      UserError: if there are fewer than two samples, or a feature is not finite.
    """
    x = feature_matrix(features, role, at_least=2, metric="the Fréchet distance").astype(np.float64)
    mean = x.mean(axis=0)
    centred = x - mean[None, :]
    return Moments(mean, centred.T @ centred / (len(x) - 1))


def gaussian_frechet_distance(first: Moments, second: Moments) -> float:
    """The squared 2-Wasserstein distance $d^2$ of two Gaussians, as FID is reported: exact, float64."""
    roots = _square_root(first.covariance) @ _square_root(second.covariance)
    cross = np.linalg.svd(roots, compute_uv=False).sum()
    shift = first.mean - second.mean
    return float(shift @ shift + np.trace(first.covariance) + np.trace(second.covariance) - 2.0 * cross)


def frechet_distance(real: ArrayLike, generated: ArrayLike) -> float:
    r"""$d^2$ between the Gaussians fitted to two sets of features ("FID" when the features are Inception's).

    Args:
      real: features `[N, D]`.
      generated: features `[M, D]`.

    Returns:
      The distance in squared feature units; zero for equal moments, biased upwards by finite N and M.

    Raises:
      UserError: if a set has fewer than two samples or is not finite.
    """
    return gaussian_frechet_distance(moments(real, "real features"), moments(generated, "generated features"))


def _square_root(covariance: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 0.0))[None, :]) @ vectors.T
