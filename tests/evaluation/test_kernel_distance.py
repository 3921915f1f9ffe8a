import numpy as np
import pytest

from genjax_models.core.errors import UserError
from genjax_models.evaluation.kernel_distance import kernel_distance


def brute_force(x, y):
    """The unbiased estimate as its definition reads, in float64."""
    kernel = lambda a, b: (float(a @ b) / len(a) + 1) ** 3
    m, n = len(x), len(y)
    total = sum(kernel(x[i], x[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    total += sum(kernel(y[i], y[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    return total - 2 * sum(kernel(a, b) for a in x for b in y) / (m * n)


def sets(seed, m, n, dim=6, shift=0.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(m, dim)), rng.normal(size=(n, dim)) + shift


def test_it_equals_the_double_loop():
    x, y = sets(0, 13, 17, shift=0.3)
    np.testing.assert_allclose(kernel_distance(x, y).value, brute_force(x, y), rtol=1e-4)


def test_its_error_equals_the_brute_force_jackknife():
    x, y = sets(1, 7, 9, shift=0.5)
    leave_one_out = [
        np.array([brute_force(np.delete(x, i, axis=0), y) for i in range(len(x))]),
        np.array([brute_force(x, np.delete(y, i, axis=0)) for i in range(len(y))]),
    ]
    variance = sum((len(values) - 1) / len(values) * np.sum((values - values.mean()) ** 2) for values in leave_one_out)
    np.testing.assert_allclose(kernel_distance(x, y).stderr, np.sqrt(variance), rtol=1e-4)


@pytest.mark.parametrize("block_size", [1, 4, 16, 1000])
def test_blocks_change_nothing(block_size):
    x, y = sets(2, 16, 21, shift=0.2)
    np.testing.assert_allclose(kernel_distance(x, y, block_size=block_size), kernel_distance(x, y), rtol=1e-4)


def test_it_is_unbiased_and_its_error_is_conservative_where_the_distributions_agree():
    estimates = [kernel_distance(*sets(seed, 40, 40)) for seed in range(200)]
    values, errors = np.array(estimates).T
    spread = values.std()
    assert abs(values.mean()) < 3 * spread / np.sqrt(len(values))
    # A degenerate U-statistic: the jackknife variance is on average up to twice the variance.
    assert 1.0 < np.sqrt(np.mean(errors**2)) / spread < 1.7
    assert (values < 0).mean() > 0.3  # unbiased means that it may be negative


def test_its_error_is_calibrated_where_the_distributions_differ():
    estimates = [kernel_distance(*sets(seed, 60, 50, shift=0.7)) for seed in range(200)]
    values, errors = np.array(estimates).T
    assert 0.9 < np.sqrt(np.mean(errors**2)) / values.std() < 1.2


def test_gaussians_with_a_known_distance():
    """E k(x, y) for x ~ N(a, I), y ~ N(b, I): z = x.y/d has moments that follow from those of the coordinates."""
    dim, shift = 2, 0.5

    def expected_kernel(a, b):
        nodes, weights = np.polynomial.hermite_e.hermegauss(8)  # exact for polynomials of this degree
        weights = weights / weights.sum()
        grids = np.meshgrid(*[nodes] * 4, indexing="ij")
        weight = np.einsum("i,j,k,l->ijkl", *[weights] * 4)
        x1, x2, y1, y2 = grids
        return np.sum(weight * (((x1 + a) * (y1 + b) + (x2 + a) * (y2 + b)) / dim + 1) ** 3)

    exact = expected_kernel(0, 0) + expected_kernel(shift, shift) - 2 * expected_kernel(0, shift)
    estimate = kernel_distance(*sets(3, 4000, 4000, dim=dim, shift=shift))
    assert abs(estimate.value - exact) < 4 * estimate.stderr
    assert estimate.stderr < 0.1 * exact


def test_too_few_samples_are_refused():
    with pytest.raises(UserError, match="at least 3 samples, got 2"):
        kernel_distance(*sets(4, 5, 2))
