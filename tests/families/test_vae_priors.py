"""Learned priors as densities, and diagnostics of latent variables."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from genjax_models.core.densities import standard_normal
from genjax_models.families.flows import Bijection
from genjax_models.families.vae import (
    GaussianPosterior,
    active_units,
    flow_prior,
    gaussian,
    gaussian_mixture,
    gaussian_posterior,
    lerp,
    slerp,
    traversals,
    vae_loss,
    vamp_prior,
)

ENCODE = lambda x: gaussian_posterior(jnp.concatenate([x, -1.0 - 0.1 * x], axis=-1))


def test_a_vamp_prior_of_one_pseudo_input_is_its_posterior():
    u = jnp.array([[0.7, -1.2]])

    @jax.jit
    def densities_and_draws(z):
        prior, posterior = vamp_prior(ENCODE, u), ENCODE(jnp.broadcast_to(u, z.shape))
        return prior.log_prob(z), posterior.log_prob(z), prior.sample(jax.random.key(1), 4000)

    ours, of_posterior, draws = densities_and_draws(jax.random.normal(jax.random.key(0), (6, 2)))
    np.testing.assert_allclose(ours, of_posterior, rtol=1e-5)
    np.testing.assert_allclose(draws.mean(0), u[0], atol=4 * 0.42 / np.sqrt(4000))


def test_a_vae_whose_prior_is_the_posterior_of_its_datum_has_no_divergence():
    x = jnp.array([[0.7, -1.2]])
    options = {"likelihood": gaussian(), "prior": vamp_prior(ENCODE, x)}
    kl = jax.jit(lambda x: vae_loss(jax.random.key(0), ENCODE, lambda z: z, x, **options).aux["kl"])(x)
    np.testing.assert_allclose(kl, 0.0, atol=1e-5)


def test_a_mixture_is_that_of_scipy_and_its_draws_follow_it():
    means, stds, weights = np.array([-1.0, 0.5, 2.0]), np.array([0.3, 0.5, 0.8]), np.array([0.2, 0.5, 0.3])
    components = GaussianPosterior(jnp.asarray(means)[:, None], jnp.log(jnp.asarray(stds))[:, None])
    prior = gaussian_mixture(components, 3.0 + jnp.log(jnp.asarray(weights)))
    z = np.linspace(-3, 5, 50)
    exact = np.log(sum(w * stats.norm.pdf(z, m, s) for w, m, s in zip(weights, means, stds, strict=True)))
    np.testing.assert_allclose(
        jax.jit(prior.log_prob)(jnp.asarray(z, jnp.float32)[:, None]), exact, rtol=1e-4, atol=1e-4
    )
    draws = np.asarray(jax.jit(prior.sample, static_argnums=1)(jax.random.key(2), 4000))[:, 0]
    cdf = lambda z: sum(w * stats.norm.cdf(z, m, s) for w, m, s in zip(weights, means, stds, strict=True))
    assert stats.kstest(draws, cdf).pvalue > 1e-4


def test_a_mixture_of_images_sums_over_all_of_an_example():
    components = GaussianPosterior(jnp.zeros((3, 2, 2, 1)), jnp.zeros((3, 2, 2, 1)))
    z = jax.random.normal(jax.random.key(3), (5, 2, 2, 1))
    np.testing.assert_allclose(
        jax.jit(gaussian_mixture(components).log_prob)(z), standard_normal((2, 2, 1)).log_prob(z), rtol=1e-5
    )


def test_a_flow_prior_is_the_law_of_the_flows_data():
    """z = exp(a) e: a normal of that standard deviation."""
    volume = lambda sign: lambda params, x, cond: (jnp.exp(sign * params) * x, jnp.full(len(x), sign * 2 * params))
    flow = Bijection(lambda key, x, cond: jnp.zeros(()), volume(-1.0), volume(1.0))
    prior = flow_prior(flow, standard_normal((2,)), jnp.array(0.6))
    z = jax.random.normal(jax.random.key(4), (3, 2))
    np.testing.assert_allclose(prior.log_prob(z), stats.norm.logpdf(z, 0.0, np.exp(0.6)).sum(-1), rtol=1e-5)
    assert float(prior.sample(jax.random.key(5), 4000).std()) == pytest.approx(np.exp(0.6), rel=4 / np.sqrt(16_000))


def test_units_that_the_data_do_not_move_are_not_active():
    means = jnp.stack([jnp.linspace(-1, 1, 100), jnp.full(100, 3.0), jnp.linspace(0, 0.2, 100)], axis=-1)
    np.testing.assert_array_equal(active_units(means), [True, False, False])  # variances 0.34, 0 and 0.0034
    np.testing.assert_array_equal(active_units(means, 1e-3), [True, False, True])


def test_the_great_circle_stays_on_the_sphere_at_constant_speed():
    a, b = jax.random.normal(jax.random.key(6), (2, 4, 8))
    unit = lambda v: v / jnp.linalg.norm(v, axis=-1, keepdims=True)
    path = jax.jit(slerp, static_argnums=2)(3.0 * unit(a), 3.0 * unit(b), 7)
    np.testing.assert_allclose(jnp.linalg.norm(path, axis=-1), 3.0, rtol=1e-5)
    np.testing.assert_allclose(path[0], 3.0 * unit(a), atol=1e-5)
    np.testing.assert_allclose(path[-1], 3.0 * unit(b), atol=1e-5)
    steps = jnp.linalg.norm(path[1:] - path[:-1], axis=-1)
    np.testing.assert_allclose(steps, jnp.broadcast_to(steps[:1], steps.shape), rtol=1e-4)
    assert bool((steps[0] > 0.1).all())


def test_codes_on_one_line_are_joined_by_it():
    a = jnp.array([[1.0, 2.0], [1.0, 0.0], [0.0, 0.0]])
    b = jnp.array([[2.0, 4.0], [-1.0, 0.0], [1.0, 1.0]])
    np.testing.assert_allclose(jax.jit(slerp, static_argnums=2)(a, b, 5), lerp(a, b, 5), atol=1e-3)
    np.testing.assert_allclose(lerp(a, b, 5)[1], 0.75 * a + 0.25 * b, rtol=1e-6)


def test_traversals_change_one_latent_variable_at_a_time():
    z, values = jnp.array([1.0, 2.0, 3.0]), jnp.array([-5.0, 7.0])
    grid = traversals(z, values)
    assert grid.shape == (3, 2, 3)
    np.testing.assert_array_equal(grid[1], [[1.0, -5.0, 3.0], [1.0, 7.0, 3.0]])
