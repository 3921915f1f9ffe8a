"""Precision, recall, density and coverage: against brute force, and on sets where the answer is known."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from genjax_models.core.errors import UserError
from genjax_models.evaluation.density_coverage import density_coverage
from genjax_models.evaluation.neighbours import kth_smallest, squared_radii
from genjax_models.evaluation.precision_recall import precision_recall


def radii(x, k):
    return np.sort(cdist(x, x), axis=1)[:, k]  # column 0 is the point itself


def brute_force(x, y, k_precision, k_density):
    distances = cdist(x, y)
    small, large = radii(x, k_precision)[:, None], radii(x, k_density)[:, None]
    return {
        "precision": (distances <= small).any(axis=0).mean(),
        "recall": (distances <= radii(y, k_precision)[None, :]).any(axis=1).mean(),
        "density": (distances < large).sum(axis=0).mean() / k_density,
        "coverage": (distances < large).any(axis=1).mean(),
    }


def ours(x, y, k_precision=3, k_density=5, **blocks):
    pr = precision_recall(x, y, k=k_precision, **blocks)
    return pr._asdict() | density_coverage(x, y, k=k_density, **blocks)._asdict()


def two_sets(seed, m=60, n=45, dim=4):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(m, dim)), 0.7 * rng.normal(size=(n, dim)) + 0.4


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("k", [1, 3, 6])
def test_they_equal_brute_force(seed, k):
    x, y = two_sets(seed)
    result, expected = ours(x, y, k, k), brute_force(x, y, k, k)
    for name, value in expected.items():
        np.testing.assert_allclose(result[name], value, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("block_size", [1, 7, 45, 1000])
def test_blocks_change_nothing(block_size):
    x, y = two_sets(9)
    assert ours(x, y, block_size=block_size) == ours(x, y)


def test_identical_sets_are_perfect():
    x, _ = two_sets(10)
    result = ours(x, x)
    assert (result["precision"], result["recall"], result["coverage"]) == (1, 1, 1)
    np.testing.assert_allclose(result["density"], 1, atol=0.2)  # a tie on every ball's surface may round inwards


def test_disjoint_sets_have_nothing_in_common():
    x, y = two_sets(11)
    assert set(ours(x, y + 100).values()) == {0}


def test_a_large_common_offset_costs_no_accuracy():
    x, y = two_sets(12)
    assert ours(x + 1000, y + 1000) == pytest.approx(ours(x, y), abs=0.02)


def test_dropped_modes_cost_recall_and_coverage_but_not_precision():
    rng = np.random.default_rng(13)
    modes = np.array([[0.0, 0.0], [50.0, 0.0], [0.0, 50.0], [50.0, 50.0]])
    real = np.repeat(modes, 50, axis=0) + rng.normal(size=(200, 2))
    generated = np.repeat(modes[:2], 100, axis=0) + rng.normal(size=(200, 2))
    result = ours(real, generated)
    assert result["precision"] > 0.9
    assert result["recall"] <= 0.5
    assert result["coverage"] <= 0.5


def test_one_outlier_fools_recall_but_not_density():
    """The generated outlier's ball covers every real point; only real points carry balls for density."""
    rng = np.random.default_rng(14)
    real, generated = rng.normal(size=(100, 2)), 100 + rng.normal(size=(100, 2))
    generated[0] = -100
    assert ours(real, generated)["recall"] == 1
    assert ours(real, generated)["density"] == 0


def test_expected_coverage_of_equal_distributions():
    """1 - prod_i (M - i) / (M + N - i), whatever the distribution (Naeem et al., section 3.3)."""
    m, n, k = 100, 80, 5
    expected = 1 - np.prod([(m - i) / (m + n - i) for i in range(1, k + 1)])
    rng = np.random.default_rng(15)
    values = [density_coverage(rng.normal(size=(m, 3)), rng.normal(size=(n, 3))).coverage for _ in range(60)]
    assert abs(np.mean(values) - expected) < 4 * np.std(values) / np.sqrt(len(values))


def test_kth_smallest_counts_repetitions():
    x = np.random.default_rng(16).integers(0, 6, size=(50, 30)).astype(np.float32)
    for k in (1, 2, 5, 30):
        np.testing.assert_array_equal(kth_smallest(x, k), np.sort(x, axis=1)[:, k - 1])


def test_repeated_points_have_radius_zero():
    x = np.concatenate([np.zeros((4, 3)), np.eye(3)]).astype(np.float32)
    np.testing.assert_array_equal(squared_radii(x, k=3)[:4], 0)


def test_too_few_samples_are_refused():
    x, y = two_sets(17)
    with pytest.raises(UserError, match="precision and recall with k = 3 needs at least 4 samples, got 3"):
        precision_recall(x, y[:3])
    with pytest.raises(UserError, match="at least 6 samples, got 5"):
        density_coverage(x[:5], y)
    with pytest.raises(UserError, match="at least 1 samples, got 0"):
        density_coverage(x, y[:0])
