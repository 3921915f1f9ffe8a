"""Couplings against other solvers and closed forms: assignment, sorting, entropic transport of Gaussians."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from genjax_models.families.flow_matching import (
    bridge_loss,
    bridge_sample,
    independent,
    minibatch_ot,
    schroedinger_bridge,
    smoothed,
    velocity_loss,
)
from genjax_models.families.flow_matching.couplings import entropic_plan

KEY = jax.random.key(1)


def squared_distances(x, eps) -> np.ndarray:
    x, eps = (np.asarray(a, np.float64).reshape(len(a), 1, -1) for a in (x, eps))
    return ((x - eps.swapaxes(0, 1)) ** 2).sum(-1)


def cross_covariance(std: float, sigma: float) -> float:
    r"""Of the entropic plan between $N(0, s^2)$ and $N(0, 1)$: its precision has $-1/\sigma^2$ off the diagonal."""
    return (np.sqrt(sigma**4 + 4 * std**2) - sigma**2) / 2


@pytest.mark.parametrize("shape", [(1, 3), (48, 3), (33, 2, 3)])
def test_minibatch_ot_is_the_optimal_assignment(shape):
    x = 0.7 * jax.random.normal(jax.random.key(0), shape)
    _, loose = independent(KEY, x)
    same, eps = jax.jit(minibatch_ot)(KEY, x)
    cost = squared_distances(x, loose)
    np.testing.assert_array_equal(same, x)
    np.testing.assert_allclose(np.sort(np.asarray(eps).ravel()), np.sort(np.asarray(loose).ravel()), rtol=1e-6)
    assert squared_distances(x, eps).trace() == pytest.approx(cost[linear_sum_assignment(cost)].sum(), rel=1e-5)


def test_minibatch_ot_sorts_on_the_line():
    x = jax.random.normal(jax.random.key(0), (64, 1))
    _, eps = minibatch_ot(KEY, x)
    np.testing.assert_array_equal(np.argsort(x[:, 0]), np.argsort(eps[:, 0]))


@pytest.mark.parametrize("sigma", [0.3, 1.0])
def test_entropic_plan_has_the_form_and_the_marginals_of_one(sigma):
    r"""$\log \pi + C/\varepsilon$ is a sum of a row's and a column's potential; rows and columns sum to 1 / B."""
    x, eps = 0.5 * jax.random.normal(jax.random.key(0), (40, 2)), jax.random.normal(KEY, (40, 2))
    plan = np.asarray(jax.jit(entropic_plan, static_argnums=2)(x, eps, sigma), np.float64)
    np.testing.assert_allclose(np.exp(plan).sum(1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(np.exp(plan).sum(0), 1.0, atol=0.02)
    potentials = plan + squared_distances(x, eps) / (2 * sigma**2)
    centred = potentials - potentials.mean(0, keepdims=True) - potentials.mean(1, keepdims=True) + potentials.mean()
    np.testing.assert_allclose(centred, 0.0, atol=1e-3)


def test_entropic_plan_lies_between_the_assignment_and_independence():
    x, eps = jax.random.normal(jax.random.key(0), (2, 12, 3))
    cost = squared_distances(x, eps)
    np.testing.assert_array_equal(entropic_plan(x, eps, 0.05).argmax(1), linear_sum_assignment(cost)[1])
    np.testing.assert_allclose(jnp.exp(entropic_plan(x, eps, 100.0)), 1 / 12, rtol=0.01)


@pytest.mark.parametrize("sigma", [0.5, 1.0])
def test_schroedinger_bridge_couples_gaussians_as_the_closed_form_says(sigma):
    n, std = 1024, 0.6
    x = std * jax.random.normal(jax.random.key(0), (n, 1))
    same, eps = jax.jit(schroedinger_bridge(sigma))(KEY, x)
    np.testing.assert_array_equal(same, x)
    correlation = float(jnp.corrcoef(x[:, 0], eps[:, 0])[0, 1])
    exact = cross_covariance(std, sigma) / std
    assert correlation == pytest.approx(exact, abs=4 * (1 - exact**2) / np.sqrt(n) + 0.01)


def test_velocity_loss_takes_a_coupling():
    """The zero model's loss is the transport cost, which the assignment makes least."""
    x = 0.5 * jax.random.normal(jax.random.key(0), (32, 2))
    cost = squared_distances(x, independent(jax.random.split(KEY)[1], x)[1])
    zero = lambda x, t: jnp.zeros_like(x)
    loss = jax.jit(lambda x: velocity_loss(KEY, zero, x, coupling=minibatch_ot).value)(x)
    assert float(loss.sum()) == pytest.approx(cost[linear_sum_assignment(cost)].sum() / 2, rel=1e-5)
    assert loss.shape == (32,)


@pytest.mark.parametrize("coupling", [minibatch_ot, schroedinger_bridge(0.5)])
def test_gradients_pass_a_coupling_by(coupling):
    """With x a function of parameters the pairing is a constant."""
    x = jax.random.normal(jax.random.key(0), (8, 2))
    _, eps = coupling(KEY, x)
    gradient = jax.grad(lambda x: jnp.multiply(*coupling(KEY, x)).sum())(x)
    np.testing.assert_allclose(gradient, eps, rtol=1e-6)


def test_bridge_velocity_is_the_time_derivative_of_the_bridge():
    x, eps, z = jax.random.normal(jax.random.key(0), (3, 6, 2))
    t = jnp.linspace(0.1, 0.9, 6)
    place = lambda t: bridge_sample(x, eps, z, t, 0.7)[0]
    np.testing.assert_allclose(
        bridge_sample(x, eps, z, t, 0.7)[1], jax.jvp(place, (t,), (jnp.ones(6),))[1], rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("t", [0.2, 0.6])
def test_bridge_loss_is_least_at_the_marginal_velocity(t):
    r"""Gaussian data: $x_t \sim N(0, V(t))$ and the velocity is $\dot V / (2V)\,x$, the slope of least loss."""
    n, std, sigma = 1024, 0.6, 0.8
    c = cross_covariance(std, sigma)
    variance = lambda t: (1 - t) ** 2 * std**2 + t**2 + 2 * t * (1 - t) * c + sigma**2 * t * (1 - t)
    exact = float(jax.grad(variance)(t) / (2 * variance(t)))

    @jax.jit
    def least(key):
        key_x, key_loss = jax.random.split(key)
        x = std * jax.random.normal(key_x, (n, 1))
        at = lambda slope: bridge_loss(
            key_loss, lambda x, t: slope * x, x, sigma=sigma, time=lambda _, n: jnp.full(n, t)
        ).value.mean()
        return -jax.grad(at)(0.0) / jax.grad(jax.grad(at))(0.0)

    slopes = np.array([float(least(key)) for key in jax.random.split(KEY, 8)])
    assert slopes.mean() == pytest.approx(exact, abs=4 * slopes.std(ddof=1) / np.sqrt(8))


def test_bridge_loss_takes_its_ends():
    """In the middle of a bridge the velocity is that of the line between its ends, whatever the noise."""
    x, eps = jax.random.normal(jax.random.key(0), (2, 8, 3))
    half, zero = lambda _, n: jnp.full(n, 0.5), lambda x, t: jnp.zeros_like(x)
    loss = bridge_loss(KEY, zero, x, sigma=0.7, time=half, coupling=lambda _, x: (x, eps))
    np.testing.assert_allclose(loss.value, ((eps - x) ** 2).mean(1), rtol=1e-5)


def wide(key, shape):
    """A source that is no unit noise."""
    return 4.0 + 2.0 * jax.random.normal(key, shape)


@pytest.mark.parametrize(
    "coupling", [partial(independent, source=wide), partial(minibatch_ot, source=wide), schroedinger_bridge(1.0, wide)]
)
def test_couplings_start_from_another_source(coupling):
    n = 256
    x = jax.random.normal(jax.random.key(0), (n, 1))
    same, eps = jax.jit(coupling)(KEY, x)
    np.testing.assert_array_equal(same, x)
    assert float(eps.mean()) == pytest.approx(4.0, abs=4 * 2.0 / np.sqrt(n))
    assert float(eps.std()) == pytest.approx(2.0, abs=4 * 2.0 / np.sqrt(2 * n))


def test_minibatch_ot_sorts_another_source_too():
    x = jax.random.normal(jax.random.key(0), (64, 1))
    _, eps = minibatch_ot(KEY, x, source=wide)
    np.testing.assert_array_equal(np.argsort(x[:, 0]), np.argsort(eps[:, 0]))


def test_smoothed_pairs_keep_their_velocity():
    x = jax.random.normal(jax.random.key(0), (2048, 1))
    moved, eps = smoothed(lambda _, x: (x, 2.0 * x + 1.0), 0.3)(KEY, x)
    np.testing.assert_allclose(eps - moved, x + 1.0, rtol=1e-4, atol=1e-5)
    assert float((moved - x).std()) == pytest.approx(0.3, abs=4 * 0.3 / np.sqrt(2 * 2048))
    assert abs(float(((moved - x) * x).mean())) < 4 * 0.3 / np.sqrt(2048)


def test_bridge_loss_is_finite_over_all_times():
    x = jax.random.normal(jax.random.key(0), (64, 3))
    loss = bridge_loss(KEY, lambda x, t: jnp.zeros_like(x), x, sigma=0.5)
    assert loss.value.shape == (64,)
    assert bool(jnp.isfinite(loss.value).all())


@pytest.mark.parametrize("sigma", [0.0, -1.0])
def test_a_bridge_needs_a_positive_sigma(sigma):
    with pytest.raises(ValueError, match="sigma must be positive"):
        schroedinger_bridge(sigma)
    with pytest.raises(ValueError, match="sigma must be positive"):
        bridge_loss(KEY, lambda x, t: x, jnp.zeros((4, 2)), sigma=sigma)
