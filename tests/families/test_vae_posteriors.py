"""Posteriors: draws with their own density, divergences in closed form and by draws, flows, parameters held fixed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from genjax_models.families.flows import Bijection
from genjax_models.families.vae import FlowPosterior, GaussianPosterior, gaussian_posterior

N, D = 20_000, 3


def normal_posterior(n=1, seed=0):
    return gaussian_posterior(
        jnp.broadcast_to(0.5 * jax.random.normal(jax.random.key(seed), (1, 2 * D)), (n, 2 * D)),
    )


def affine_flow() -> Bijection:
    """$z_0 = (z - b - c)/a$ for params (a, b) and the condition c `[B, D]`."""
    log_det = lambda params, x: jnp.full(x.shape[0], jnp.log(jnp.abs(params[0])).sum())
    return Bijection(
        lambda key, x, cond: (jnp.ones(D), jnp.zeros(D)),
        lambda params, z, cond: ((z - params[1][None] - cond) / params[0][None], -log_det(params, z)),
        lambda params, z0, cond: (z0 * params[0][None] + params[1][None] + cond, log_det(params, z0)),
    )


def flow_posterior(n=1):
    params = jnp.array([0.5, -2.0, 1.5]), jnp.array([1.0, 0.0, -1.0])
    return FlowPosterior(normal_posterior(n), params, affine_flow(), jnp.full((n, D), 0.25))


@pytest.mark.parametrize("make", [normal_posterior, flow_posterior], ids=["normal", "flow"])
def test_a_draw_comes_with_its_own_density(make):
    posterior = make(5)
    z, log_q = jax.jit(lambda posterior: posterior.sample(jax.random.key(1)))(posterior)
    assert z.shape == (5, D) and log_q.shape == (5,)
    np.testing.assert_allclose(log_q, posterior.log_prob(z), rtol=1e-4, atol=1e-5)


def test_the_divergence_is_what_draws_of_it_average_to_and_what_scipy_integrates():
    posterior = normal_posterior(N)
    z, log_q = jax.jit(lambda posterior: posterior.sample(jax.random.key(2)))(posterior)
    draws = log_q - stats.norm.logpdf(z).sum(-1)
    exact = float(posterior.kl()[0].sum())
    assert float(draws.mean()) == pytest.approx(exact, abs=4 * float(draws.std()) / np.sqrt(N))
    grid = np.linspace(-12, 12, 40_001)
    mean, std = float(posterior.mean[0, 0]), float(jnp.exp(posterior.log_std[0, 0]))
    q = stats.norm.pdf(grid, mean, std)
    integral = np.trapezoid(q * (stats.norm.logpdf(grid, mean, std) - stats.norm.logpdf(grid)), grid)
    assert float(posterior.kl()[0, 0]) == pytest.approx(integral, rel=1e-4)


def test_an_affine_flow_of_a_normal_is_a_normal():
    posterior = flow_posterior()
    (a, b), start = posterior.params, posterior.start
    moved = GaussianPosterior(a[None] * start.mean + b[None] + 0.25, jnp.log(jnp.abs(a))[None] + start.log_std)
    z = jax.random.normal(jax.random.key(3), (1, D))
    np.testing.assert_allclose(posterior.log_prob(z), moved.log_prob(z), rtol=1e-5)
    assert posterior.kl() is None


@pytest.mark.parametrize("make", [normal_posterior, flow_posterior], ids=["normal", "flow"])
def test_a_posterior_held_fixed_has_the_values_and_no_gradient(make):
    z = jnp.ones((2, D))
    frozen = lambda posterior: jax.lax.stop_gradient(posterior).log_prob(z).sum()
    value, gradient = jax.jit(jax.value_and_grad(frozen))(make(2))
    assert float(value) == pytest.approx(float(make(2).log_prob(z).sum()))
    assert all(not np.any(leaf) for leaf in jax.tree.leaves(gradient))


def test_pairs_hold_each_draw_under_each_posterior():
    posterior = GaussianPosterior(*jax.random.normal(jax.random.key(4), (2, 4, D)))
    z = jax.random.normal(jax.random.key(5), (6, D))
    pairs = posterior.pairwise_log_prob(z)
    assert pairs.shape == (6, 4, D)
    one = GaussianPosterior(posterior.mean[1:2], posterior.log_std[1:2]).log_prob(z[3:4])
    np.testing.assert_allclose(pairs[3, 1].sum(), one[0], rtol=1e-5)
