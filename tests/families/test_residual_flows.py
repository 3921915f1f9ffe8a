"""Residual layers: every estimate of the log-determinant against the determinant; inverses that cannot be found."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from bijections import check_bijection

from genjax_models.core.jacobian import basis, hutchinson
from genjax_models.families.flows import Conditioner, chain, residual
from genjax_models.families.flows.residual import exact, power_series, roulette
from genjax_models.nets.flow.lipschitz_mlp import LipschitzMLP


def contraction(bound):
    """A tanh layer of Lipschitz constant `bound`, whatever its weights."""

    def init(key, h, cond):
        return jax.random.normal(key, (h[0].size, h[0].size))

    def apply(params, h, cond):
        shift = 0.0 if cond is None else cond
        matrix = bound * params / jnp.linalg.norm(params, 2)
        return jnp.tanh(h.reshape(len(h), -1) @ matrix + shift).reshape(h.shape)

    return Conditioner(init, apply)


TIGHT = {"tolerance": 1e-13, "iterations": 400}


def test_the_determinant_of_two_layers():
    check_bijection(chain([residual(contraction(0.9), **TIGHT)] * 2), (2, 2))


def test_a_long_series_is_the_determinant_and_a_condition_reaches_the_network():
    layer = residual(contraction(0.8), log_det=power_series(200), **TIGHT)
    check_bijection(layer, (3,), cond=np.random.default_rng(0).normal(size=(4, 3)))


@pytest.mark.slow
def test_the_lipschitz_network_fits():
    net = LipschitzMLP(width=8, depth=2, coefficient=0.9, dtype=jnp.float64)
    network = Conditioner(lambda key, h, cond: net.init(key, h), lambda params, h, cond: net.apply(params, h))
    check_bijection(residual(network, **TIGHT), (3,))


def linear(weights, x):
    return x @ weights.T  # J = weights


def toy(dims=3):
    """A branch whose Jacobian has eigenvalues near -0.6, so that all terms of the series have one sign."""
    rng = np.random.default_rng(0)
    weights = -0.55 * np.eye(dims) + 0.05 * rng.normal(size=(dims, dims))
    return (lambda w, x: jnp.tanh(x @ w.T)), jnp.asarray(weights), jnp.asarray(0.2 * rng.normal(size=(1, dims)))


def test_a_truncated_series_is_its_sum_and_the_rest_is_bounded():
    with jax.enable_x64(True):
        _, weights, x = toy()
        powers = [np.linalg.matrix_power(weights, k) for k in range(1, 6)]
        sums = np.cumsum([(-1) ** (k + 1) / k * np.trace(power) for k, power in enumerate(powers, 1)])
        limit = np.linalg.slogdet(np.eye(3) + weights)[1]
        lipschitz = np.linalg.norm(weights, 2)
        for n in (1, 2, 5):
            value = power_series(n)(linear, weights, x)
            np.testing.assert_allclose(value, [sums[n - 1]], rtol=1e-12)
            assert 1e-3 < abs(float(value[0]) - limit) < 3 * lipschitz ** (n + 1) / (n + 1) / (1 - lipschitz)


def test_the_neumann_gradient_of_a_long_series_is_the_gradient_of_the_determinant():
    with jax.enable_x64(True):
        g, weights, x = toy()

        @jax.jit
        def gradients(weights, x):
            total = lambda estimate: jax.grad(lambda w, x: estimate(g, w, x).sum(), argnums=(0, 1))(weights, x)
            return total(exact), total(power_series(100))

        truth, series = gradients(weights, x)
        for ours, expected in zip(series, truth, strict=True):
            assert np.abs(expected).max() > 1e-3
            np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("probes", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_roulette_is_unbiased_in_value_and_gradient(probes):
    draws, exact_terms, p = 40_000, 1, 0.5
    with jax.enable_x64(True):
        g, weights, x = toy()

        @jax.jit
        def run(weights, x):
            def estimate(key):
                log_det = roulette(key, probes=probes, exact_terms=exact_terms, p=p)
                return jax.value_and_grad(lambda w: log_det(g, w, x)[0])(weights)

            values, slopes = jax.vmap(estimate)(jax.random.split(jax.random.key(0), draws))
            truth = jax.value_and_grad(lambda w: exact(g, w, x)[0])(weights)
            partial_sums = jnp.stack([power_series(n)(g, weights, x)[0] for n in range(exact_terms + 1, 30)])
            return values, slopes, truth, partial_sums

        values, slopes, (truth, slope), partial_sums = jax.device_get(run(weights, x))
    stderr = values.std() / np.sqrt(draws)
    assert abs(values.mean() - truth) < 4 * stderr
    # Without its weights, or with those of one term earlier or later, the estimate would be many errors off.
    probability = p * (1 - p) ** np.arange(len(partial_sums))  # of N = exact_terms + 1, + 2, ...
    unweighted = (probability * partial_sums).sum()
    assert abs(unweighted - truth) > 20 * stderr
    terms = np.diff(partial_sums)
    assert (1 - p) * abs(terms.sum()) > 20 * stderr
    errors = (slopes.mean(0) - slope) / (slopes.std(0) / np.sqrt(draws))
    assert np.abs(errors).max() < 4
    assert np.abs(slope / (slopes.std(0) / np.sqrt(draws))).max() > 100


def test_hutchinsons_directions_span_the_space_on_average():
    with jax.enable_x64(True):
        x = jnp.zeros((20_000, 3))
        for noise in (jax.random.rademacher, jax.random.normal):
            v = hutchinson(jax.random.key(0), 2, noise=noise)(x)
            outer = jnp.einsum("kbi,kbj->bij", v, v)
            np.testing.assert_allclose(outer.mean(0), np.eye(3), atol=0.05)
        np.testing.assert_array_equal(jnp.einsum("kbi,kbj->bij", *2 * [basis(x[:2])]), np.eye(3)[None].repeat(2, 0))


def test_an_inverse_that_does_not_converge_is_nan_and_its_neighbours_are_right():
    stretch = Conditioner(lambda key, h, cond: (), lambda params, h, cond: cond * h)
    layer = residual(stretch, tolerance=1e-6)
    x, slopes = jnp.ones((3, 2)), jnp.asarray([[0.5], [-3.0], [-0.5]])
    back, log_det = layer.inverse_and_log_det((), x * (1 + slopes), slopes)
    np.testing.assert_allclose(back[jnp.asarray([0, 2])], 1.0, rtol=1e-5)
    assert bool(jnp.isnan(back[1]).all())
    np.testing.assert_allclose(log_det[jnp.asarray([0, 2])], -2 * np.log([1.5, 0.5]), rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: power_series(0), "at least 1 term"),
        (lambda: roulette(jax.random.key(0), p=1.0), "must lie in"),
        (lambda: roulette(jax.random.key(0), exact_terms=-1), "not be negative"),
        (lambda: roulette(jax.random.key(0), probes=0), "at least 1 probe"),
    ],
)
def test_misuse_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
