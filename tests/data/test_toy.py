"""Each toy density against its own samples, against its integral, and against SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import make_moons

from genjax_models.data import load, toy

# The cells of the checkerboard end on bin edges, so that no bin is cut by its jumps.
EDGE, BINS, NODES = 1.25, 20, 8


def bin_masses(density: toy.ToyDensity) -> np.ndarray:
    """The mass of each of `BINS`^dim equal bins of [-1.25, 1.25]^dim, by the midpoint rule with `NODES`^dim nodes."""
    count = BINS * NODES
    axis = (np.arange(count, dtype=np.float32) + 0.5) / count * 2 * EDGE - EDGE
    points = np.stack(np.meshgrid(*[axis] * density.dim, indexing="ij"), -1).reshape(-1, density.dim)
    log_prob = jax.jit(lambda x: jax.lax.map(density.log_prob, x))(points.reshape(count, -1, density.dim))
    cells = np.exp(np.asarray(log_prob, np.float64)).reshape([BINS, NODES] * density.dim)
    return cells.sum(tuple(range(1, 2 * density.dim, 2))).ravel() * (2 * EDGE / count) ** density.dim


@pytest.mark.parametrize("name", toy.DENSITIES)
def test_the_density_integrates_to_one_and_is_that_of_the_samples(name):
    density = toy.DENSITIES[name]
    mass = bin_masses(density)
    assert mass.sum() == pytest.approx(1, abs=1e-3)
    x = np.asarray(density.sample(jax.random.key(5), 20_000))
    counts = np.histogramdd(x, bins=BINS, range=[(-EDGE, EDGE)] * density.dim)[0].ravel()
    expected = mass / mass.sum() * counts.sum()
    common = expected > 5
    observed = np.append(counts[common], counts[~common].sum())
    expected = np.append(expected[common], max(expected[~common].sum(), 1e-9))
    assert counts.sum() > 0.999 * len(x)
    assert stats.chisquare(observed, expected).pvalue > 1e-4


def test_gaussian_mixture_agrees_with_scipy():
    means, weights = np.array([[0.1, -0.4], [0.5, 0.2]]), np.array([0.3, 0.7])
    x = np.random.default_rng(0).normal(size=(20, 2))
    parts = [
        stats.multivariate_normal(mean, 0.25**2).logpdf(x) + np.log(w) for mean, w in zip(means, weights, strict=True)
    ]
    found = toy.gaussian_mixture(means, 0.25, weights).log_prob(jnp.asarray(x, jnp.float32))
    np.testing.assert_allclose(found, np.logaddexp(*parts), rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "curves", "std", "panels"), [("moons", toy._moons, 0.05, 16), ("two_spirals", toy._spirals, 0.02, 80)]
)
def test_the_integral_along_a_curve_has_converged(name, curves, std, panels):
    x = toy.DENSITIES[name].sample(jax.random.key(0), 200)
    found, finer = (jax.jit(d.log_prob)(x) for d in (toy.DENSITIES[name], toy.noisy_curves(curves, std, panels)))
    np.testing.assert_allclose(found, finer, atol=1e-4)


def test_moons_are_scikit_learns():
    """Its points are ours over 0.6, about its own centre."""
    points, labels = make_moons(40, shuffle=False, noise=None)
    ours = np.asarray(toy._moons(jnp.linspace(0.0, 1.0, 20))) / 0.6 + np.array([0.5, 0.25])
    np.testing.assert_allclose(ours[0], points[labels == 0], atol=1e-6)
    np.testing.assert_allclose(ours[1], points[labels == 1], atol=1e-6)


def test_affine_moves_points_and_density_alike():
    means, shift = np.array([[0.1, -0.4], [0.5, 0.2]]), np.array([3.0, -1.0])
    moved = toy.affine(toy.gaussian_mixture(means, 0.25), -4.0, tuple(shift))
    same = toy.gaussian_mixture(-4.0 * means + shift, 1.0)
    x = moved.sample(jax.random.key(0), 500)
    np.testing.assert_allclose(moved.log_prob(x), same.log_prob(x), rtol=1e-4)
    assert float(jnp.abs(x.mean(0) - (-4.0 * means.mean(0) + shift)).max()) < 4 * np.sqrt(1.0 + 1.44) / np.sqrt(500)


def test_narrow_moons_integrate_to_one():
    assert bin_masses(toy.affine(toy.moons(0.03), 1.05, (0.1, 0.0))).sum() == pytest.approx(1, abs=1e-3)


def test_checkerboard_is_uniform_on_half_the_square():
    x = jnp.array([[-0.75, -0.75], [-0.25, -0.75], [0.75, 0.75], [-1.25, -0.75], [0.25, 1.75]])
    np.testing.assert_allclose(
        toy.checkerboard().log_prob(x), [np.log(0.5), -np.inf, np.log(0.5), -np.inf, -np.inf], rtol=1e-6
    )


@pytest.mark.parametrize("name", ["mixture_1d", "moons"])
def test_load_gives_fixed_disjoint_float_splits(name):
    train, test = load(name), load(name, "test")
    assert train.x.dtype == np.float32 and train.x.shape == (50_000, toy.DENSITIES[name].dim)
    assert test.x.shape == (10_000, toy.DENSITIES[name].dim) and train.spec.num_classes == 0
    assert not (train.x[:10_000] == test.x).all(1).any()
    np.testing.assert_array_equal(train.x, load(name).x)
