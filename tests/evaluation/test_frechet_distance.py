import numpy as np
import pytest

from genjax_models.core.errors import UserError
from genjax_models.evaluation.frechet_distance import (
    Moments,
    frechet_distance,
    gaussian_frechet_distance,
    moments,
)


def random_covariance(rng, dim, rank):
    root = rng.normal(size=(dim, rank))
    return root @ root.T


def with_exact_moments(rng, num, mean, covariance):
    """Samples whose sample mean and sample covariance are exactly the given ones."""
    x = rng.normal(size=(num, len(mean)))
    x -= x.mean(axis=0)
    whitened = x @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T))).T
    return whitened @ np.linalg.cholesky(covariance).T + mean


def test_diagonal_covariances_have_a_closed_form():
    rng = np.random.default_rng(0)
    means, deviations = rng.normal(size=(2, 7)), rng.uniform(0.1, 3, size=(2, 7))
    expected = np.sum((means[0] - means[1]) ** 2) + np.sum((deviations[0] - deviations[1]) ** 2)
    gaussians = [Moments(mean, np.diag(std**2)) for mean, std in zip(means, deviations, strict=True)]
    np.testing.assert_allclose(gaussian_frechet_distance(*gaussians), expected, rtol=1e-12)


def test_features_with_exact_moments_give_the_distance_of_these_gaussians():
    rng = np.random.default_rng(1)
    covariances = [random_covariance(rng, 5, 9) for _ in range(2)]
    means = rng.normal(size=(2, 5))
    sets = [with_exact_moments(rng, 50, m, c) for m, c in zip(means, covariances, strict=True)]
    # tr (A B)^(1/2) from the eigenvalues of the product, which are real and not negative.
    cross = np.sqrt(np.linalg.eigvals(covariances[0] @ covariances[1]).real).sum()
    traces = np.trace(covariances[0]) + np.trace(covariances[1])
    expected = np.sum((means[0] - means[1]) ** 2) + traces - 2 * cross
    np.testing.assert_allclose(frechet_distance(*sets), expected, rtol=1e-9)


def test_samples_of_known_gaussians_approach_their_distance():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(100_000, 3)), 1 + 2 * rng.normal(size=(100_000, 3))
    np.testing.assert_allclose(frechet_distance(x, y), 3 * 1 + 3 * (2 - 1) ** 2, rtol=0.02)


def test_rank_deficient_sets_have_distance_zero_to_themselves():
    x = np.random.default_rng(3).normal(size=(20, 64)) * 100  # 20 samples in 64 dimensions
    assert abs(frechet_distance(x, x[::-1])) < 1e-9 * np.trace(np.cov(x.T))


def test_orthogonal_singular_gaussians():
    first, second = Moments(np.zeros(2), np.diag([4.0, 0.0])), Moments(np.zeros(2), np.diag([0.0, 9.0]))
    np.testing.assert_allclose(gaussian_frechet_distance(first, second), 4 + 9)


def test_it_is_symmetric_and_invariant_under_rotation():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(40, 6)), rng.normal(size=(30, 6)) ** 3
    rotation = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    np.testing.assert_allclose(frechet_distance(x, y), frechet_distance(y, x), rtol=1e-10)
    np.testing.assert_allclose(frechet_distance(x, y), frechet_distance(x @ rotation, y @ rotation), rtol=1e-10)


def test_finite_samples_bias_it_upwards():
    rng = np.random.default_rng(5)
    small = [frechet_distance(*rng.normal(size=(2, 50, 8))) for _ in range(20)]
    large = [frechet_distance(*rng.normal(size=(2, 500, 8))) for _ in range(20)]
    assert min(small) > 0
    assert 5 < np.mean(small) / np.mean(large) < 20  # about 500 / 50


@pytest.mark.parametrize(
    ("features", "words"),
    [
        (np.zeros((0, 4)), "at least 2 samples, got 0"),
        (np.zeros((1, 4)), "at least 2 samples, got 1"),
        (np.full((3, 4), np.nan), "not finite"),
    ],
)
def test_bad_features_are_refused_in_one_line(features, words):
    with pytest.raises(UserError, match=words) as caught:
        moments(features)
    assert "\n" not in str(caught.value)


def test_features_must_be_a_matrix():
    with pytest.raises(ValueError, match=r"\[N, D\]"):
        moments(np.zeros((3, 4, 5)))
