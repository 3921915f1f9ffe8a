"""Importance-weighted bounds, likelihoods and gradients on probabilistic PCA, where the exact ones are known."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from probabilistic_pca import data, maximum_likelihood

from genjax_models.families.vae import GaussianPosterior, dreg_loss, importance_log_prob, iwae_loss, vae_loss

SHIFT, STRETCH = np.array([0.15, -0.1]), np.array([0.3, 0.25])  # wider than the truth: weights are bounded


def wrong(model):
    return model._replace(bias=model.bias + SHIFT, posterior_log_std=model.posterior_log_std + STRETCH)


def mean_and_error(x):
    return np.mean(x, axis=0), np.std(x, axis=0, ddof=1) / np.sqrt(len(x))


@pytest.mark.parametrize("loss", [iwae_loss, dreg_loss])
def test_with_the_exact_posterior_any_number_of_draws_gives_the_likelihood(loss):
    with jax.enable_x64(True):
        x = data()
        model = maximum_likelihood(x)
        options = {"likelihood": model.likelihood, "num_samples": 5}
        out = jax.jit(lambda key, x: loss(key, model.encode, model.decode, x, **options))(
            jax.random.key(0), jnp.asarray(x)
        )
        np.testing.assert_allclose(out.value, -model.log_marginal(x), rtol=1e-10)
        np.testing.assert_allclose(out.aux["ess"], 5.0, rtol=1e-10)


def test_the_bound_rises_with_the_number_of_draws_towards_the_likelihood():
    x = data()
    exact = maximum_likelihood(x)
    target = float(exact.log_marginal(x)[0])
    model = jax.tree.map(lambda a: a.astype(jnp.float32), wrong(exact))
    many = jnp.broadcast_to(jnp.asarray(x[:1], jnp.float32), (4000, 4))

    @functools.partial(jax.jit, static_argnums=0)
    def bound(k):
        key = jax.random.fold_in(jax.random.key(1), k)
        return -iwae_loss(key, model.encode, model.decode, many, likelihood=model.likelihood, num_samples=k).value

    means, errors = zip(*(mean_and_error(np.asarray(bound(k), np.float64)) for k in (1, 3, 12, 60)), strict=True)
    variance = np.exp(2 * exact.posterior_log_std)
    gap = 0.5 * (np.exp(2 * STRETCH) - 1 - 2 * STRETCH + SHIFT**2 / variance).sum()
    assert means[0] == pytest.approx(target - gap, abs=4 * errors[0])
    for i in range(3):
        assert means[i + 1] - means[i] > 3 * np.hypot(errors[i], errors[i + 1])
    assert -0.1 * gap < means[3] - target < 3 * errors[3]


def test_the_importance_estimate_agrees_with_the_likelihood_within_its_error():
    x = data(n=200)
    exact = maximum_likelihood(x)
    model = jax.tree.map(lambda a: a.astype(jnp.float32), wrong(exact))

    @jax.jit
    def estimate(x):
        options = {"likelihood": model.likelihood, "num_samples": 1050, "chunk": 100}  # the last chunk is a half
        return importance_log_prob(jax.random.key(2), model.encode, model.decode, x, **options)

    likelihood = estimate(jnp.asarray(x, jnp.float32))
    assert likelihood.kind == "importance(1050)"
    score = (likelihood.value - exact.log_marginal(x)) / likelihood.stderr
    assert float(jnp.abs(score).max()) < 5
    assert 0.7 < float((score**2).mean()) < 1.4  # chi-square of 200: 1 +- 0.1
    assert float(likelihood.stderr.max()) < 0.05


@pytest.fixture(scope="module")
def gradients():
    """Of both estimators, with the same draws: one gradient an example, to its posterior and to its decoder's shift."""
    x = data()
    exact = maximum_likelihood(x)
    model = jax.tree.map(lambda a: a.astype(jnp.float32), wrong(exact))
    many = jnp.broadcast_to(jnp.asarray(x[:1], jnp.float32), (6000, 4))

    @functools.partial(jax.jit, static_argnums=0)
    def gradient(loss):
        def total(posterior, shift):
            decode = lambda z: model.decode(z) + shift
            key = jax.random.key(3)
            out = loss(key, lambda x: posterior, decode, many, likelihood=model.likelihood, num_samples=8)
            return out.value.sum(), out.value

        return jax.grad(total, argnums=(0, 1), has_aux=True)(model.encode(many), jnp.zeros_like(many))

    return gradient(iwae_loss), gradient(dreg_loss)


def test_doubly_reparameterised_gradients_have_the_same_mean_and_less_variance(gradients):
    (iwae, _), iwae_value = gradients[0]
    (dreg, _), dreg_value = gradients[1]
    np.testing.assert_allclose(dreg_value, iwae_value, rtol=1e-4)
    for ours, other in ((dreg.mean, iwae.mean), (dreg.log_std, iwae.log_std)):
        mean, error = mean_and_error(np.asarray(ours, np.float64))
        other_mean, other_error = mean_and_error(np.asarray(other, np.float64))
        assert np.all(np.abs(mean - other_mean) < 4 * np.hypot(error, other_error))
        assert np.all(np.abs(mean) > 4 * error)  # so that agreement means something
        assert np.all(error < 0.3 * other_error)


def test_the_decoders_gradient_is_the_same(gradients):
    np.testing.assert_allclose(gradients[1][0][1], gradients[0][0][1], rtol=1e-3, atol=1e-4)


def test_the_path_gradient_vanishes_draw_by_draw_at_the_exact_posterior_and_the_elbos_does_not():
    with jax.enable_x64(True):
        x = data()
        model = maximum_likelihood(x)

        def gradient(loss):
            def total(posterior):
                encode, key = lambda x: posterior, jax.random.key(4)
                return loss(key, encode, model.decode, jnp.asarray(x), likelihood=model.likelihood).value.sum()

            return jax.jit(jax.grad(total))(model.encode(jnp.asarray(x)))

        path = gradient(functools.partial(dreg_loss, num_samples=1))
        np.testing.assert_allclose(path.mean, 0.0, atol=1e-10)
        np.testing.assert_allclose(path.log_std, 0.0, atol=1e-10)
        ordinary: GaussianPosterior = gradient(functools.partial(vae_loss, analytic=False))
        assert float(jnp.abs(ordinary.log_std).max()) > 0.1
        assert float(jnp.abs(gradient(vae_loss).mean).max()) > 0.1
