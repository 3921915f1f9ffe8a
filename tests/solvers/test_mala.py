"""Metropolis-adjusted Langevin against conditionals of a normal, and what it does at the edge of a support."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.solvers import mala

CHAINS = 4000
COVARIANCE = np.array([[1.0, 0.8, 0.3], [0.8, 2.0, 0.5], [0.3, 0.5, 0.8]])


def normal(x):
    return -0.5 * jnp.einsum("bi,ij,bj->b", x, jnp.linalg.inv(jnp.asarray(COVARIANCE, x.dtype)), x)


def test_conditional_of_a_normal_has_its_mean_and_covariance():
    observed = 1.5
    x = jnp.zeros((CHAINS, 3)).at[:, 0].set(observed)
    moving = jnp.array([[False, True, True]])
    run = jax.jit(lambda key: mala(key, normal, x, steps=300, moving=moving))
    ended, acceptance = jax.device_get(run(jax.random.key(0)))
    np.testing.assert_array_equal(ended[:, 0], observed)
    mean = COVARIANCE[1:, 0] * observed
    covariance = COVARIANCE[1:, 1:] - np.outer(COVARIANCE[1:, 0], COVARIANCE[0, 1:])
    drawn = ended[:, 1:]
    error = np.sqrt(np.diag(covariance) / CHAINS)
    assert (np.abs(drawn.mean(0) - mean) < 4 * error).all()
    spread = np.sqrt((covariance**2 + np.outer(np.diag(covariance), np.diag(covariance))) / CHAINS)
    assert (np.abs(np.cov(drawn.T) - covariance) < 4 * spread).all()
    assert 0.45 < acceptance.mean() < 0.7


def test_no_chain_leaves_the_support():
    """An exponential law, whose gradient points out of its support; mean and variance are one."""
    target = lambda x: jnp.where(x[:, 0] > 0, -x[:, 0], jnp.nan)
    ended = jax.jit(lambda key: mala(key, target, jnp.ones((CHAINS, 1)), steps=400).x)(jax.random.key(1))
    ended = np.asarray(ended)[:, 0]
    assert (ended > 0).all()
    assert abs(ended.mean() - 1) < 4 / np.sqrt(CHAINS)
    assert abs(ended.var() - 1) < 4 * np.sqrt(8 / CHAINS)  # the fourth central moment is 9


def test_a_chain_that_starts_nowhere_stays():
    ended, acceptance = mala(jax.random.key(0), lambda x: x.sum(1) * jnp.nan, jnp.ones((2, 3)), steps=4)
    np.testing.assert_array_equal(ended, 1.0)
    np.testing.assert_array_equal(acceptance, 0.0)


def test_one_step_is_refused():
    with pytest.raises(ValueError, match="at least 2"):
        mala(jax.random.key(0), normal, jnp.zeros((1, 3)), steps=1)
