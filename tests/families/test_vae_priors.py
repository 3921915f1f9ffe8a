"""Learned priors as densities, and diagnostics of latent variables."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from genjax_models.core.densities import standard_normal
from genjax_models.families.flows import Bijection, Conditioner, affine, autoregressive
from genjax_models.families.vae import (
    GaussianPosterior,
    active_units,
    autoregressive_prior,
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


def test_a_flow_prior_is_the_distribution_of_the_flows_data():
    """z = exp(a) e: a normal of that standard deviation."""
    volume = lambda sign: lambda params, x, cond: (jnp.exp(sign * params) * x, jnp.full(len(x), sign * 2 * params))
    flow = Bijection(lambda key, x, cond: jnp.zeros(()), volume(-1.0), volume(1.0))
    prior = flow_prior(flow, standard_normal((2,)), jnp.array(0.6))
    z = jax.random.normal(jax.random.key(4), (3, 2))
    np.testing.assert_allclose(prior.log_prob(z), stats.norm.logpdf(z, 0.0, np.exp(0.6)).sum(-1), rtol=1e-5)
    assert float(prior.sample(jax.random.key(5), 4000).std()) == pytest.approx(np.exp(0.6), rel=4 / np.sqrt(16_000))


def two_by_two(z):
    """Logits, means and log-stds of two variables' mixtures of two; the second variable's depend on the first."""
    first, one = z[:, 0], jnp.ones(len(z))
    own = [0.4 * one, -0.4 * one, -1.0 * one, 1.2 * one, -0.5 * one, 0.1 * one]
    given = [first, -first, jnp.sin(2.0 * first), 0.5 * first**2, -0.7 * one, -0.3 - 0.2 * jnp.tanh(first)]
    return jnp.stack([jnp.stack(own, axis=-1), jnp.stack(given, axis=-1)], axis=1)


def conditional(z, which, law):
    """The same conditionals by SciPy: their `pdf` or `cdf` at `z` `[N, 2]`."""
    raw = np.asarray(two_by_two(jnp.asarray(z)), np.float64)[:, which]
    weights = np.exp(raw[:, :2]) / np.exp(raw[:, :2]).sum(-1, keepdims=True)
    return (weights * law(z[:, which, None], raw[:, 2:4], np.exp(raw[:, 4:]))).sum(-1)


def test_an_autoregressive_prior_is_the_product_of_its_conditionals_and_integrates_to_one():
    axis = np.linspace(-7.0, 12.0, 381)
    points = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    found = np.asarray(jax.jit(autoregressive_prior(two_by_two, 2).log_prob)(jnp.asarray(points, jnp.float32)))
    exact = np.log(conditional(points, 0, stats.norm.pdf)) + np.log(conditional(points, 1, stats.norm.pdf))
    np.testing.assert_allclose(found[exact > -30], exact[exact > -30], rtol=1e-4, atol=1e-4)
    assert np.exp(found).sum() * (axis[1] - axis[0]) ** 2 == pytest.approx(1.0, abs=1e-4)


def test_draws_of_an_autoregressive_prior_follow_its_conditionals():
    """The distribution function of each variable given those before it is uniform, and the two are independent."""
    draw = jax.jit(autoregressive_prior(two_by_two, 2).sample, static_argnums=1)
    z = np.asarray(draw(jax.random.key(7), 4000), np.float64)
    u = [conditional(z, which, stats.norm.cdf) for which in (0, 1)]
    assert all(stats.kstest(values, "uniform").pvalue > 1e-4 for values in u)
    assert abs(stats.spearmanr(*u).statistic) < 4 / np.sqrt(4000)


MEANS, STDS, SLOPE, NOISE = np.array([0.3, -0.2]), np.array([0.8, 0.5]), 0.7, 0.5


def linear(channels):
    """z_1 is N(0.3, 0.8^2), and z_2 given it N(0.7 z_1 - 0.2, 0.5^2), as mixtures of two or as an affine layer."""

    def apply(params, z, cond):
        mean = jnp.stack([jnp.zeros(len(z)), SLOPE * z[:, 0]], axis=-1) + MEANS[None]
        log_std = jnp.broadcast_to(jnp.log(STDS)[None], mean.shape)
        if channels == 2:  # z e^s + t with s = 3 tanh(h/3)
            return jnp.stack([-mean * jnp.exp(-log_std), -3.0 * jnp.arctanh(log_std / 3.0)], axis=-1)
        return jnp.stack([0.0 * mean, 0.0 * mean, mean, mean, log_std, log_std], axis=-1)

    return Conditioner(lambda key, z, cond: (), apply)


LINEAR = {
    "flow": flow_prior(autoregressive(affine(), linear), standard_normal((2,)), ()),
    "mixture": autoregressive_prior(lambda z: linear(6).apply((), z, None), 2),
}


@pytest.mark.parametrize("name", LINEAR)
def test_the_bound_with_a_learned_prior_falls_short_of_the_evidence_by_a_divergence(name):
    r"""x = z + noise: $E[\mathrm{ELBO}] = \log p(x) - KL(q \Vert p(z \mid x))$, all three of normals."""
    x, draws = np.array([0.9, -0.6]), 20_000
    mean, std = np.array([0.5, -0.1]), np.array([0.5, 0.3])  # of q
    encode = lambda x: GaussianPosterior(jnp.asarray(mean)[None], jnp.log(jnp.asarray(std))[None])
    options = {"likelihood": gaussian(float(np.log(NOISE))), "prior": LINEAR[name]}
    loss = lambda key: vae_loss(key, encode, lambda z: z, jnp.asarray(x, jnp.float32)[None], **options).value[0]
    found = -np.asarray(jax.jit(jax.vmap(loss))(jax.random.split(jax.random.key(8), draws)), np.float64)

    prior_mean = np.array([MEANS[0], MEANS[1] + SLOPE * MEANS[0]])
    factor = np.array([[STDS[0], 0.0], [SLOPE * STDS[0], STDS[1]]])
    covariance = factor @ factor.T
    evidence = stats.multivariate_normal(prior_mean, covariance + NOISE**2 * np.eye(2)).logpdf(x)
    precision = np.linalg.inv(covariance) + np.eye(2) / NOISE**2
    posterior_mean = np.linalg.solve(precision, np.linalg.solve(covariance, prior_mean) + x / NOISE**2)
    shift = posterior_mean - mean
    trace = (np.diag(precision) * std**2).sum() + shift @ precision @ shift
    divergence = 0.5 * (trace - 2 - np.linalg.slogdet(precision)[1]) - np.log(std).sum()
    stderr = found.std() / np.sqrt(draws)
    assert divergence > 10 * stderr
    assert abs(found.mean() - (evidence - divergence)) < 4 * stderr


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
