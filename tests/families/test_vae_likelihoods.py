"""Decoders' laws: discrete ones add up to one, draws follow them, and each mean is the one of its law."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from genjax_models.core.errors import UnsupportedError
from genjax_models.families.vae import (
    bernoulli,
    categorical,
    gaussian,
    gaussian_learned,
    gaussian_optimal,
    logistic_mixture,
    optimal_log_std,
)
from genjax_models.families.vae.likelihoods import byte_of, middle_of
from genjax_models.families.vae.logistic_mixture import discretized_logistic_log_prob

MIDDLES = (np.arange(256) + 0.5) / 128 - 1
LAWS = {
    "bernoulli": bernoulli(),
    "gaussian": gaussian(-0.7),
    "gaussian_learned": gaussian_learned(),
    "categorical": categorical(),
    "logistic_mixture": logistic_mixture(4, channels=3),
}


def raw_output(law, shape=(2, 3, 2, 3), seed=0, scale=0.5):
    return scale * jax.random.normal(jax.random.key(seed), (*shape[:-1], law.num_params(shape[-1])))


@pytest.mark.parametrize("name", LAWS)
def test_shapes_and_gradients(name):
    law = LAWS[name]
    raw = raw_output(law)

    @jax.jit
    def draw_and_score(raw):
        x = law.sample(jax.random.key(1), raw)
        value, pull = jax.vjp(lambda raw: law.log_prob(raw, x), raw)
        return x, law.mean(raw), value, pull(jnp.ones_like(value))[0]

    x, mean, value, gradient = draw_and_score(raw)
    assert x.shape == mean.shape == (2, 3, 2, 3)
    assert value.shape == (2,)
    assert bool(jnp.isfinite(value).all()) and bool(jnp.isfinite(gradient).all())


def test_every_byte_is_the_middle_of_its_bin():
    np.testing.assert_allclose(middle_of(jnp.arange(256)), MIDDLES, atol=1e-7)
    np.testing.assert_array_equal(byte_of(jnp.asarray(MIDDLES, jnp.float32)), np.arange(256))
    np.testing.assert_array_equal(byte_of(jnp.array([-7.0, 7.0])), [0, 255])


def test_bernoulli_probabilities():
    law, raw = bernoulli(), jnp.array([[0.3, -2.0, 40.0]])
    p = 1 / (1 + np.exp(-np.array([0.3, -2.0, 40.0])))
    np.testing.assert_allclose(law.log_prob(raw, jnp.array([[1.0, 0.0, 1.0]])), [np.log(p[0] * (1 - p[1]))], rtol=1e-5)
    np.testing.assert_allclose(law.mean(raw)[0], p, rtol=1e-6)


@pytest.mark.parametrize("law", [categorical(), logistic_mixture(3, channels=1)], ids=["categorical", "mixture"])
def test_the_256_values_of_one_channel_add_up_to_one_and_draws_follow_them(law):
    with jax.enable_x64(True):
        raw = raw_output(law, (1, 1)).astype(jnp.float64)
        p = np.exp(jax.jit(law.log_prob)(jnp.broadcast_to(raw, (256, raw.shape[1])), jnp.asarray(MIDDLES)[:, None]))
        assert p.sum() == pytest.approx(1.0, abs=1e-12)
        draws = jax.jit(law.sample)(jax.random.key(2), jnp.broadcast_to(raw, (8000, raw.shape[1])))
        counts = np.bincount(np.asarray(byte_of(draws[:, 0])), minlength=256)
        expected = 8000 * p
        assert stats.chi2.sf(((counts - expected) ** 2 / expected).sum(), 255) > 1e-4
        if law.num_params(1) == 256:
            np.testing.assert_allclose(law.mean(raw)[0, 0], (p * MIDDLES).sum(), atol=1e-12)


def test_the_values_of_two_dependent_channels_add_up_to_one_and_draws_follow_them():
    """All 65,536 pairs; narrow components and strong coefficients, so that the coupling shows in the covariance."""
    with jax.enable_x64(True):
        law = logistic_mixture(2, channels=2)
        raw = jnp.array([0.2, -0.2, -0.3, 0.1, 0.4, -0.2, -2.5, -2.0, -2.2, -2.7, 1.5, -1.0])
        assert raw.shape == (law.num_params(2),)
        pairs = np.stack(np.meshgrid(MIDDLES, MIDDLES, indexing="ij"), axis=-1).reshape(-1, 2)
        p = np.exp(jax.jit(law.log_prob)(jnp.broadcast_to(raw, (len(pairs), 12)), jnp.asarray(pairs)))
        assert p.sum() == pytest.approx(1.0, abs=1e-10)
        draws = np.asarray(jax.jit(law.sample)(jax.random.key(3), jnp.broadcast_to(raw, (40_000, 12))))
        mean = (p[:, None] * pairs).sum(0)
        for statistic in (lambda x: x[:, 0], lambda x: x[:, 1], lambda x: np.prod(x - mean, axis=1)):
            sample, exact = statistic(draws), (p * statistic(pairs)).sum()
            assert sample.mean() == pytest.approx(exact, abs=4 * sample.std() / 200)
        np.testing.assert_allclose(law.mean(raw[None])[0], mean, atol=0.01)  # little of the mass is clipped


def test_the_coefficients_of_rgb_are_those_of_the_paper():
    """Eq. 3: red shifts green by alpha, red and green shift blue by beta and gamma; seen in the modes."""
    law = logistic_mixture(1, channels=3)
    alpha, beta, gamma = np.tanh([0.5, -0.3, 0.8])
    raw = jnp.concatenate([jnp.zeros(1), jnp.array([0.4, 0.1, -0.2]), jnp.full(3, -7.0), jnp.array([0.5, -0.3, 0.8])])
    red = 0.4
    green = 0.1 + alpha * red
    blue = -0.2 + beta * red + gamma * green
    mean, x = jax.jit(lambda raw: (law.mean(raw), law.sample(jax.random.key(0), raw)))(raw[None])
    np.testing.assert_allclose(mean[0], [red, green, blue], atol=1e-6)
    np.testing.assert_allclose(x[0], [red, green, blue], atol=0.03)


@pytest.mark.parametrize("log_scale", [-7.0, -3.0, 0.0, 4.0])
def test_the_discretised_logistic_is_the_difference_of_its_distribution_function(log_scale):
    mean, scale = 0.2, np.exp(log_scale)
    edges = np.concatenate([[-np.inf], np.arange(1, 256) / 128 - 1, [np.inf]])
    law = stats.logistic(mean, scale)
    difference = lambda large, small: large + np.log(-np.expm1(small - large))
    below, above = law.logcdf(edges), law.logsf(edges)  # the smaller tail keeps its digits
    with np.errstate(divide="ignore", invalid="ignore"):
        exact = np.where(edges[1:] < mean, difference(below[1:], below[:-1]), difference(above[:-1], above[1:]))
    ours = discretized_logistic_log_prob(jnp.asarray(MIDDLES, jnp.float32), jnp.float32(mean), jnp.float32(log_scale))
    np.testing.assert_allclose(ours, exact, rtol=1e-4, atol=1e-4)


def test_a_mixture_refuses_other_channels():
    law = logistic_mixture(2, channels=3)
    with pytest.raises(ValueError, match="3 channels, got 1"):
        law.num_params(1)
    with pytest.raises(ValueError, match="20 raw ones"):
        law.log_prob(jnp.zeros((1, 19)), jnp.zeros((1, 3)))


def test_normals_have_the_density_of_scipy():
    x, mean = np.random.default_rng(0).normal(size=(2, 3, 4))
    fixed = gaussian(-0.5).log_prob(jnp.asarray(mean), jnp.asarray(x))
    np.testing.assert_allclose(fixed, stats.norm.logpdf(x, mean, np.exp(-0.5)).sum(-1), rtol=1e-5)
    log_std = np.linspace(-2, 1, 4) * np.ones((3, 1))
    floored = -6 + np.logaddexp(log_std + 6, 0)
    learned = gaussian_learned().log_prob(jnp.asarray(np.concatenate([mean, log_std], -1)), jnp.asarray(x))
    np.testing.assert_allclose(learned, stats.norm.logpdf(x, mean, np.exp(floored)).sum(-1), rtol=1e-5)


def test_a_learned_standard_deviation_never_falls_through_its_floor():
    raw = jnp.concatenate([jnp.zeros((1, 2)), jnp.full((1, 2), -100.0)], axis=-1)
    peak = gaussian_learned(min_log_std=-2.0).log_prob(raw, jnp.zeros((1, 2)))
    np.testing.assert_allclose(peak, 2 * (2.0 - 0.5 * np.log(2 * np.pi)), rtol=1e-6)


def test_the_optimal_variance_is_the_best_shared_one():
    """The likelihood's maximum over a shared sigma, at the root mean square, and D/2 (log 2 pi MSE + 1) there."""
    x, mean = (jnp.asarray(a) for a in np.random.default_rng(1).normal(size=(2, 5, 4)))
    law = gaussian_optimal(min_log_std=-20.0)

    @jax.jit
    def slope_value_and_gradient(mean):
        slope = jax.grad(lambda log_std: gaussian(log_std).log_prob(mean, x).mean())(optimal_log_std(mean, x))
        return slope, *jax.value_and_grad(lambda mean: law.log_prob(mean, x).mean())(mean)

    slope, value, gradient = slope_value_and_gradient(mean)
    assert float(slope) == pytest.approx(0.0, abs=1e-5)
    mse = float(((x - mean) ** 2).mean())
    assert float(value) == pytest.approx(-2 * (np.log(2 * np.pi * mse) + 1), rel=1e-5)
    np.testing.assert_allclose(gradient, (x - mean) / mse / 5, rtol=1e-4, atol=1e-6)
    with pytest.raises(UnsupportedError, match="optimal_log_std"):
        law.sample(jax.random.key(0), mean)
