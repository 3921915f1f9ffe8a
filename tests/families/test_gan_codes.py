"""Classes and codes that a second head reads off the fakes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.special import log_softmax

from genjax_models.families.gan import (
    CodePrior,
    auxiliary_classifier_loss,
    classification_loss,
    information_bound,
    sample_codes,
)

RNG = np.random.default_rng(0)


def test_the_auxiliary_classifier():
    real, fake = RNG.normal(size=(2, 4, 3))
    label, fake_label = np.array([0, 2, 1, 1]), np.array([1, 1, 0, 2])
    rows = np.arange(4)
    of_fakes = -log_softmax(fake, axis=1)[rows, fake_label]
    np.testing.assert_allclose(classification_loss(jnp.asarray(fake), fake_label), of_fakes, rtol=1e-5)
    np.testing.assert_allclose(
        auxiliary_classifier_loss(jnp.asarray(real), label, jnp.asarray(fake), fake_label),
        of_fakes - log_softmax(real, axis=1)[rows, label],
        rtol=1e-5,
    )


def test_the_bound_is_the_information_of_a_channel_where_the_recogniser_is_the_posterior():
    channel = RNG.dirichlet(np.ones(4), size=3)  # P(x | c)
    joint = channel / 3
    posterior = joint / joint.sum(axis=0)
    information = (joint * np.log(joint / (joint.sum(axis=0) / 3))).sum()
    prior = CodePrior((3,), 0)
    c, x = (index.ravel() for index in np.indices((3, 4)))
    bound = jax.jit(lambda raw: (joint.ravel() * information_bound(prior, raw.T[x], jnp.eye(3)[c])).sum())
    with jax.enable_x64(True):
        exact = jnp.asarray(np.log(posterior))
        assert float(bound(exact)) == pytest.approx(information, rel=1e-10)
        assert float(bound(exact + 3.0)) == pytest.approx(information, rel=1e-10)  # logits need no normalisation
        assert float(bound(0.8 * exact)) < information
        assert float(bound(jnp.zeros((3, 4)))) == pytest.approx(0.0, abs=1e-12)


def test_the_bound_of_several_codes_by_hand():
    prior = CodePrior((2, 3), 2)
    assert prior.dim == 7
    code = np.concatenate([np.eye(2)[[0, 1]], np.eye(3)[[2, 0]], [[0.3, -0.7], [-0.1, 0.9]]], axis=1)
    raw = RNG.normal(size=(2, 7))
    expected = (
        log_softmax(raw[:, :2], axis=1)[[0, 1], [0, 1]]
        + log_softmax(raw[:, 2:5], axis=1)[[0, 1], [2, 0]]
        + stats.norm.logpdf(code[:, 5:], raw[:, 5:]).sum(axis=1)
        + np.log(2 * 3)
        + 2 * np.log(2)
    )
    np.testing.assert_allclose(information_bound(prior, jnp.asarray(raw), jnp.asarray(code)), expected, rtol=1e-5)
    with pytest.raises(ValueError, match="have width 7"):
        information_bound(prior, jnp.zeros((2, 9)), jnp.asarray(code))


def test_codes_have_their_distribution():
    n = 4000
    prior = CodePrior((2, 5), 1)
    codes = np.asarray(jax.jit(sample_codes, static_argnums=(1, 2))(jax.random.key(0), prior, n))
    assert codes.shape == (n, 8)
    for block in (codes[:, :2], codes[:, 2:7]):
        np.testing.assert_array_equal(np.sort(block, axis=1), np.eye(block.shape[1])[[-1] * n])
        assert stats.chisquare(block.sum(axis=0)).pvalue > 1e-3
    pairs = codes[:, :2].T @ codes[:, 2:7]
    assert stats.chi2_contingency(pairs).pvalue > 1e-3
    assert stats.kstest(codes[:, 7], stats.uniform(-1, 2).cdf).pvalue > 1e-3
    assert sample_codes(jax.random.key(1), CodePrior((), 3), 2).shape == (2, 3)
