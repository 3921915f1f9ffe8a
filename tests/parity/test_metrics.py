"""Metrics against other people's implementations, on the same features."""

import jax
import numpy as np
import pytest
import scipy.linalg
import scipy.special
import scipy.stats
from sklearn.metrics.pairwise import polynomial_kernel

from genjax_models.evaluation import (
    density_coverage,
    frechet_distance,
    inception_score,
    kernel_distance,
    precision_recall,
)

pytestmark = pytest.mark.parity


@pytest.fixture(scope="module")
def sets():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(16, 16)) / 4
    x = np.maximum(rng.normal(size=(400, 16)) @ root, 0)
    y = np.maximum(rng.normal(size=(300, 16)) @ root + 0.2, 0)
    return x.astype(np.float32), y.astype(np.float32)


def test_frechet_distance_agrees_with_scipys_matrix_root(sets):
    """The formula as the field writes it, tr (S1 S2)^(1/2), by a root of the product that need not be symmetric."""
    means, covariances = [x.mean(0, dtype=np.float64) for x in sets], [np.cov(x.T.astype(np.float64)) for x in sets]
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    expected = np.sum((means[0] - means[1]) ** 2) + np.trace(covariances[0] + covariances[1] - 2 * root)
    np.testing.assert_allclose(frechet_distance(*sets), expected, rtol=1e-6)


def test_kernel_distance_agrees_with_scikit_learns_kernel(sets):
    x, y = (a.astype(np.float64) for a in sets)
    kernel = lambda a, b: polynomial_kernel(a, b, degree=3, gamma=1 / a.shape[1], coef0=1)
    off_diagonal = lambda k: (k.sum() - np.trace(k)) / (len(k) * (len(k) - 1))
    expected = off_diagonal(kernel(x, x)) + off_diagonal(kernel(y, y)) - 2 * kernel(x, y).mean()
    np.testing.assert_allclose(kernel_distance(*sets).value, expected, rtol=1e-4)


def test_inception_score_agrees_with_scipys_entropy(sets):
    p = scipy.special.softmax(4 * sets[0].astype(np.float64), axis=1)
    divergences = [scipy.stats.entropy(row, p.mean(axis=0)) for row in p]
    ours = inception_score(jax.random.key(0), 4 * sets[0], splits=1)
    np.testing.assert_allclose(ours.value, np.exp(np.mean(divergences)), rtol=1e-6)


@pytest.mark.parametrize("k", [3, 5])
def test_manifold_metrics_agree_with_prdc(sets, k):
    """The code that goes with the density and coverage paper, for all four at once."""
    prdc = pytest.importorskip("prdc")
    theirs = prdc.compute_prdc(real_features=sets[0], fake_features=sets[1], nearest_k=k)
    ours = precision_recall(*sets, k=k)._asdict() | density_coverage(*sets, k=k)._asdict()
    for name, value in theirs.items():
        np.testing.assert_allclose(ours[name], value, atol=1e-6, err_msg=f"{name}, k = {k}")
