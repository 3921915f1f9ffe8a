import jax
import numpy as np
import pytest

from genjax_models.core.errors import UserError
from genjax_models.evaluation.inception_score import inception_score


def test_certain_and_balanced_samples_score_the_number_of_classes():
    logits = np.repeat(1000.0 * np.eye(10), 30, axis=0)
    score = inception_score(jax.random.key(0), logits, splits=1)
    np.testing.assert_allclose(score.value, 10)
    assert score.std == 0


def test_undecided_samples_score_one():
    np.testing.assert_allclose(inception_score(jax.random.key(0), np.zeros((40, 5))), (1, 0), atol=1e-12)


def test_one_class_scores_one():
    logits = np.tile(1000.0 * np.eye(10)[:1], (40, 1))
    np.testing.assert_allclose(inception_score(jax.random.key(0), logits), (1, 0), atol=1e-12)


def test_two_values_have_a_closed_form():
    """Half of the samples say (p, 1 - p), half (1 - p, p): the marginal is even, KL = log 2 - H(p)."""
    p = 0.9
    rows = np.log([[p, 1 - p], [1 - p, p]])
    entropy = -p * np.log(p) - (1 - p) * np.log(1 - p)
    score = inception_score(jax.random.key(0), np.tile(rows, (25, 1)), splits=1)
    np.testing.assert_allclose(score.value, 2 * np.exp(-entropy))


def test_samples_in_order_of_their_class_do_no_harm():
    logits = 8.0 * np.random.default_rng(0).permutation(np.repeat(np.eye(10), 100, axis=0))
    by_class = logits[np.argsort(logits.argmax(axis=1))]
    shuffled, ordered = (inception_score(jax.random.key(1), x) for x in (logits, by_class))
    np.testing.assert_allclose(ordered.value, shuffled.value, rtol=0.02)


def test_shifting_the_logits_of_a_sample_changes_nothing():
    logits = np.random.default_rng(1).normal(size=(50, 4))
    shifted = logits + np.linspace(-1e3, 1e3, 50)[:, None]
    args = inception_score(jax.random.key(2), logits), inception_score(jax.random.key(2), shifted)
    np.testing.assert_allclose(*args, rtol=1e-9)


def test_fewer_samples_than_splits_are_refused():
    with pytest.raises(UserError, match="at least 10 samples, got 9"):
        inception_score(jax.random.key(0), np.zeros((9, 4)))
