"""Imputation by a linear-Gaussian VAE, whose conditionals are known, with an encoder that is wrong on purpose."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from probabilistic_pca import data, maximum_likelihood

from genjax_models.families.vae import GaussianPosterior, impute

CHAINS = 4000


def test_missing_elements_follow_the_model_whatever_the_encoder():
    ppca = maximum_likelihood(data())
    W, mean = np.asarray(ppca.weights, np.float64), np.asarray(ppca.mean, np.float64)
    covariance = W @ W.T + np.exp(2 * float(ppca.log_std)) * np.eye(len(mean))
    x = np.broadcast_to(mean + np.array([1.0, -0.5, 0.0, 0.0]), (CHAINS, 4))
    observed = np.broadcast_to(np.array([True, True, False, False]), x.shape)

    def wrong(x):
        posterior = ppca.encode(x)
        return GaussianPosterior(0.7 * posterior.mean + 0.1, posterior.log_std + 0.3)

    run = jax.jit(lambda key, x: impute(key, wrong, ppca.decode, x, observed, likelihood=ppca.likelihood, steps=300))
    drawn = np.asarray(run(jax.random.key(0), jnp.asarray(x, jnp.float32)))
    np.testing.assert_array_equal(drawn[:, :2], np.asarray(x[:, :2], np.float32))
    gain = covariance[2:, :2] @ np.linalg.inv(covariance[:2, :2])
    expected, spread = mean[2:] + gain @ (x[0, :2] - mean[:2]), covariance[2:, 2:] - gain @ covariance[:2, 2:]
    found = drawn[:, 2:]
    assert (np.abs(found.mean(0) - expected) < 4 * np.sqrt(np.diag(spread) / CHAINS)).all()
    error = np.sqrt((spread**2 + np.outer(np.diag(spread), np.diag(spread))) / CHAINS)
    assert (np.abs(np.cov(found.T) - spread) < 4 * error).all()


def test_no_step_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        impute(jax.random.key(0), None, None, jnp.zeros((1, 2)), jnp.zeros((1, 2), bool), likelihood=None, steps=0)
