"""Guidance on models whose answer is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.guidance import classifier_free, drop_labels, static_threshold
from genjax_models.processes import PREDICTIONS, Denoiser, vp


def test_scale_interpolates_and_extrapolates():
    conditional, null = (lambda x, t: x + 1.0), (lambda x, t: x - 1.0)
    x, t = jnp.zeros((3, 2)), jnp.full(3, 0.5)
    for scale in (0.0, 1.0, 3.0):
        np.testing.assert_allclose(classifier_free(conditional, null, scale)(x, t), jnp.full((3, 2), 2 * scale - 1))


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_guiding_one_prediction_type_guides_all(prediction):
    process, t = vp(), jnp.full(4, 0.4)
    x, a, b = jax.random.normal(jax.random.key(0), (3, 4, 2))
    as_type = lambda eps: lambda x, t: process.convert(eps, "eps", prediction, x, t)
    guided = classifier_free(as_type(a), as_type(b), 2.5)(x, t)
    in_eps = process.convert(guided, prediction, "eps", x, t)
    np.testing.assert_allclose(in_eps, b + 2.5 * (a - b), rtol=1e-4, atol=1e-4)


def test_guided_score_is_the_tilted_density():
    r"""With $p(x|c) = N(c, 1)$ and $p(x) = N(0, 1)$, guiding by g samples $N(gc, 1)$: its score is $gc - x$."""
    score = lambda c: lambda x, t: c - x
    x = jnp.linspace(-2, 2, 5)[:, None]
    np.testing.assert_allclose(classifier_free(score(1.5), score(0.0), 3.0)(x, jnp.zeros(5)), 4.5 - x, rtol=1e-6)


def test_labels_drop_at_their_rate():
    label = jnp.arange(10_000) % 10
    dropped = drop_labels(jax.random.key(0), label, 10, 0.1)
    assert float((dropped == 10).mean()) == pytest.approx(0.1, abs=0.012)
    assert bool(jnp.all((dropped == label) | (dropped == 10)))


def test_threshold_clips_the_clean_prediction_alone():
    denoiser = Denoiser(vp(), lambda x, t: 3.0 * x, "x0")
    x = jnp.array([[0.1], [0.9]])
    np.testing.assert_allclose(
        static_threshold(denoiser)(x, jnp.array(0.5), "x0"), jnp.array([[0.3], [1.0]]), rtol=1e-6
    )
