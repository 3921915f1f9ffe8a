"""Hierarchical bounds on a chain of linear Gaussians, of which everything is known exactly."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from genjax_models.families.vae.hierarchical import (
    Group,
    generate,
    hierarchical_loss,
    infer,
    log_weight,
    precision_weighted,
)
from genjax_models.families.vae.posteriors import GaussianPosterior

A, B, C = 0.8, -1.3, 0.7  # z1 ~ N(0, 1), z2 | z1 ~ N(A z1, C^2), x | z2 ~ N(B z2, C^2)
JOINT = np.array(
    [
        [1.0, A, A * B],
        [A, A * A + C * C, B * (A * A + C * C)],
        [A * B, B * (A * A + C * C), B * B * (A * A + C * C) + C * C],
    ]
)
X = jnp.array([[-2.0], [0.1], [1.7]])


def normal(mean, std):
    return GaussianPosterior(mean, jnp.full_like(mean, np.log(std)))


def chain(shift=0.0):
    """The chain with its exact posteriors, moved by `shift`."""
    share_1 = JOINT[0, 2] / JOINT[2, 2]
    precision = 1 / C**2 + B**2 / C**2
    first = Group(
        lambda h: (normal(jnp.zeros_like(X), 1.0), h),
        lambda h, p: normal(share_1 * X + shift, np.sqrt(1.0 - share_1 * JOINT[0, 2])),
        lambda h, z: z,
    )
    second = Group(
        lambda z1: (normal(A * z1, C), z1),
        lambda z1, p: normal((p.mean / C**2 + B * X / C**2) / precision + shift, precision**-0.5),
        lambda z1, z: z,
    )
    return [first, second]


def log_prob(z2):
    return jax.scipy.stats.norm.logpdf(X, B * z2, C).sum(axis=1)


EXACT = stats.norm.logpdf(np.asarray(X)[:, 0], scale=np.sqrt(JOINT[2, 2]))


def many(f, n=4000):
    return np.asarray(jax.jit(lambda: jax.lax.map(f, jax.random.split(jax.random.key(0), n)))())


def test_exact_posteriors_weigh_every_draw_alike():
    draws = many(lambda key: log_weight(key, chain(), None, log_prob), 20)
    np.testing.assert_allclose(draws, np.tile(EXACT, (20, 1)), rtol=1e-4)


@pytest.mark.parametrize("shift", [0.0, 0.6])
def test_the_bound_is_the_evidence_less_the_divergence_of_the_posteriors(shift):
    """The divergence of a moved normal is `shift^2 / (2 variance)`; the second group's is over z1 from q."""
    value = many(lambda key: hierarchical_loss(key, chain(shift), None, log_prob).value)
    variance_1 = 1.0 - JOINT[0, 2] ** 2 / JOINT[2, 2]
    gap = shift**2 / 2 * (1 / variance_1 + (1 + B**2) / C**2)
    error = value.std(axis=0, ddof=1) / np.sqrt(len(value))
    assert np.abs(value.mean(axis=0) + EXACT - gap).max() < 5 * error.max()
    if shift:
        weights = many(lambda key: jnp.exp(log_weight(key, chain(shift / 3), None, log_prob)), 20_000)
        error = weights.std(axis=0, ddof=1) / np.sqrt(len(weights))
        assert (np.abs(weights.mean(axis=0) - np.exp(EXACT)) < 5 * error).all()


def test_terms_warm_up_and_free_nats():
    run = lambda **options: hierarchical_loss(jax.random.key(1), chain(), None, log_prob, **options)
    walk, plain = infer(jax.random.key(1), chain(), None), run()
    np.testing.assert_allclose(plain.value, plain.aux["reconstruction"] + plain.aux["kl"], rtol=1e-6)
    np.testing.assert_allclose(plain.aux["kl"], walk.kl[0] + walk.kl[1], rtol=1e-6)
    np.testing.assert_allclose(run(beta=0.0).value, plain.aux["reconstruction"], rtol=1e-6)
    free = np.maximum(np.asarray(walk.kl), 0.7).sum(axis=0)
    found = run(free_nats=0.7)
    np.testing.assert_allclose(found.value - found.aux["reconstruction"], free, rtol=1e-5)
    np.testing.assert_allclose(found.aux["bound"], plain.value, rtol=1e-6)


def test_generated_states_are_distributed_as_the_prior_and_encoded_groups_are_kept():
    draws = many(lambda key: generate(key, chain(), None))[..., 0].ravel()
    assert stats.kstest(draws, "norm", args=(0.0, np.sqrt(JOINT[1, 1]))).pvalue > 1e-3
    cold = many(lambda key: generate(key, chain(), None, temperature=0.5))[..., 0].ravel()
    assert stats.kstest(cold, "norm", args=(0.0, 0.5 * np.sqrt(JOINT[1, 1]))).pvalue > 1e-3
    walk = infer(jax.random.key(3), chain(), None)
    np.testing.assert_array_equal(generate(jax.random.key(4), chain(), None, z=walk.z), walk.state)
    given = many(lambda key: generate(key, chain(), None, z=walk.z[:1]))[:, 2, 0]
    assert stats.kstest(given, "norm", args=(A * float(walk.z[0][2, 0]), C)).pvalue > 1e-3


def test_weighing_by_precision_is_multiplying_densities():
    one, other = normal(jnp.array([[0.5]]), 0.7), normal(jnp.array([[-1.0]]), 2.0)
    z = np.linspace(-8, 8, 4001)
    product = stats.norm.pdf(z, 0.5, 0.7) * stats.norm.pdf(z, -1.0, 2.0)
    product /= np.trapezoid(product, z)
    mean = np.trapezoid(product * z, z)
    found = precision_weighted(one, other)
    np.testing.assert_allclose(found.mean, [[mean]], rtol=1e-5)
    np.testing.assert_allclose(jnp.exp(2 * found.log_std), [[np.trapezoid(product * (z - mean) ** 2, z)]], rtol=1e-5)
