"""Guidance on models whose answer is known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.families.diffusion import ddim
from genjax_models.families.flow_matching import heun
from genjax_models.guidance import (
    CFGPlusPlus,
    autoguidance,
    classifier_free,
    classifier_guidance,
    composed_classifier_free,
    drop_condition,
    dynamic_threshold,
    nested_classifier_free,
    static_threshold,
)
from genjax_models.processes import PREDICTIONS, Denoiser, rectified_flow, vp


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


def test_nested_guidance_is_instruct_pix2pix_s():
    """Eq. 3 of Brooks et al. in NumPy: image first, then text."""
    x, null, image, both = np.random.default_rng(0).normal(size=(4, 5, 3)).astype(np.float32)
    models = [lambda x, t, e=e: jnp.asarray(e) for e in (null, image, both)]
    t = jnp.array([0.1, 0.3, 0.5, 0.6, 0.9])
    found = nested_classifier_free(models, (1.5, 7.5))(x, t)
    expected = null + 1.5 * (image - null) + 7.5 * (both - image)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    within = nested_classifier_free(models, (1.5, 7.5), interval=(0.3, 0.6))(x, t)
    acts = np.array([False, True, True, True, False])[:, None]
    np.testing.assert_allclose(within, np.where(acts, expected, both), rtol=1e-5, atol=1e-5)
    restored = nested_classifier_free(models, (1.5, 7.5), rescale=1.0)(x, t)
    np.testing.assert_allclose(restored.std(axis=1), both.std(axis=1), rtol=1e-5)


def test_composed_guidance_samples_the_product_of_experts():
    r"""With $p(x) = N(0, 1)$ and $p(x \mid c_i) = N(a_i, 1)$ the tilted density has the mean $\sum_i s_i a_i$."""
    score = lambda mean: lambda x, t: mean - x
    x = jnp.linspace(-2, 2, 5)[:, None]
    composed = composed_classifier_free(score(0.0), (score(1.5), score(-0.4)), (2.0, 3.0))
    np.testing.assert_allclose(composed(x, jnp.zeros(5)), 2.0 * 1.5 - 3.0 * 0.4 - x, rtol=1e-5)


def test_one_scale_is_classifier_free_to_the_bit():
    """Its formula as it stands in the paper, null + g (conditional - null)."""
    x, a, b = jax.random.normal(jax.random.key(0), (3, 4, 2))
    conditional, null = (lambda x, t: a), (lambda x, t: b)
    for guided in (
        classifier_free(conditional, null, 2.5),
        nested_classifier_free((null, conditional), (2.5,)),
        composed_classifier_free(null, (conditional,), (2.5,)),
    ):
        np.testing.assert_array_equal(guided(x, jnp.full(4, 0.5)), b + jnp.float32(2.5) * (a - b))


def test_one_field_drops_by_the_key_itself():
    """The numbers that runs with labels have always had."""
    label = jnp.arange(10_000) % 10
    dropped = drop_condition(jax.random.key(0), {"label": label}, {"label": 10}, {"label": 0.1})["label"]
    expected = jnp.where(jax.random.bernoulli(jax.random.key(0), 0.1, label.shape), 10, label)
    np.testing.assert_array_equal(dropped, expected)
    assert dropped.dtype == label.dtype
    assert float((dropped == 10).mean()) == pytest.approx(0.1, abs=0.012)  # four standard errors


def test_fields_drop_apart_and_together_at_their_rates():
    """A field is kept if neither its own coin nor the common one says otherwise, within four standard errors."""
    n = 20_000
    cond = {
        "label": jnp.zeros(n, jnp.int32),
        "text": jnp.ones((n, 2, 3)),
        "frames": jnp.ones((n, 1)),
        "size": jnp.ones(n),
    }
    null = {"label": 5, "text": jnp.full(3, -1.0), "frames": 0.0}
    rates, together = {"text": 0.2, "label": 0.1, "frames": 0.0}, 0.05
    found = drop_condition(jax.random.key(0), cond, null, rates, together)
    gone = {
        "label": np.asarray(found["label"] == 5),
        "text": np.asarray(found["text"] == -1.0).all((1, 2)),
        "frames": np.asarray(found["frames"] == 0.0)[:, 0],
    }
    np.testing.assert_array_equal(np.asarray(found["text"] == 1.0).all((1, 2)), ~gone["text"])
    expected = {name: 1.0 - (1.0 - rate) * (1.0 - together) for name, rate in rates.items()}
    pairs = {name: (gone[name].mean(), expected[name]) for name in gone}
    pairs["all"] = (gone["frames"] & gone["label"] & gone["text"]).mean(), together
    pairs["apart"] = (gone["label"] & gone["text"] & ~gone["frames"]).mean(), (1.0 - together) * 0.1 * 0.2
    for rate, known in pairs.values():
        assert rate == pytest.approx(known, abs=4 * np.sqrt(known * (1 - known) / n))
    assert not (gone["frames"] & ~gone["label"]).any()
    np.testing.assert_array_equal(found["size"], cond["size"])


def test_threshold_clips_the_clean_prediction_alone():
    denoiser = Denoiser(vp(), lambda x, t: 3.0 * x, "x0")
    x = jnp.array([[0.1], [0.9]])
    np.testing.assert_allclose(
        static_threshold(denoiser)(x, jnp.array(0.5), "x0"), jnp.array([[0.3], [1.0]]), rtol=1e-6
    )


def test_guidance_acts_inside_its_interval_alone():
    conditional, null = (lambda x, t: x + 1.0), (lambda x, t: x - 1.0)
    guided = classifier_free(conditional, null, 3.0, interval=(0.3, 0.6))
    t = jnp.array([0.1, 0.3, 0.5, 0.6, 0.9])
    np.testing.assert_allclose(guided(jnp.zeros((5, 1)), t)[:, 0], jnp.array([1.0, 5.0, 5.0, 5.0, 1.0]))


def test_rescaling_restores_the_conditional_spread():
    a, b = jax.random.normal(jax.random.key(0), (2, 3, 50))
    t = jnp.full(3, 0.5)
    plain = classifier_free(lambda x, t: a, lambda x, t: b, 4.0)(a, t)
    full = classifier_free(lambda x, t: a, lambda x, t: b, 4.0, rescale=1.0)(a, t)
    half = classifier_free(lambda x, t: a, lambda x, t: b, 4.0, rescale=0.5)(a, t)
    np.testing.assert_allclose(full.std(axis=1), a.std(axis=1), rtol=1e-5)
    np.testing.assert_allclose(half, 0.5 * (full + plain), rtol=1e-5, atol=1e-5)
    flat = classifier_free(lambda x, t: jnp.ones_like(x), lambda x, t: jnp.zeros_like(x), 4.0, rescale=0.7)(a, t)
    assert bool(jnp.isfinite(flat).all())


def test_autoguidance_moves_away_from_the_weak_model():
    guided = autoguidance(lambda x, t: x + 1.0, lambda x, t: x + 0.6, 2.0)
    np.testing.assert_allclose(guided(jnp.zeros((2, 2)), jnp.zeros(2)), jnp.full((2, 2), 1.4), rtol=1e-6)


@pytest.mark.parametrize("process", [vp(), rectified_flow()])
def test_an_exact_classifier_makes_the_class_s_own_denoiser(process):
    r"""Two classes $N(\pm m, s^2)$ of equal weight: $p(y=1 | x_t)$ is logistic, and Bayes' rule is exact."""
    with jax.enable_x64(True):
        m, s = 0.8, 0.3
        t = jnp.array([0.2, 0.5, 0.8])
        alpha, sigma = process.alpha(t)[:, None], process.sigma(t)[:, None]
        variance = (alpha * s) ** 2 + sigma**2
        of_class = lambda x, sign: sign * m + alpha * s**2 / variance * (x - sign * alpha * m)
        log_odds = lambda x: 2.0 * alpha * m * x / variance
        log_prob = lambda x, t: jax.nn.log_sigmoid(log_odds(x)).sum(axis=1)
        share = lambda x: jax.nn.sigmoid(log_odds(x))
        unconditional = lambda x, t: share(x) * of_class(x, 1.0) + (1 - share(x)) * of_class(x, -1.0)
        x = jnp.array([[0.3], [-0.7], [1.2]])
        guided = classifier_guidance(Denoiser(process, unconditional, "x0"), log_prob)
        np.testing.assert_allclose(guided(x, t), of_class(x, 1.0), rtol=1e-9)


def test_cfg_plus_plus_renoises_with_the_unconditional_noise():
    process, t, s = vp(), jnp.array(0.6), jnp.array(0.4)
    x, a, b = jax.random.normal(jax.random.key(0), (3, 4, 2))
    conditional, null = (Denoiser(process, lambda x, t, e=e: e, "eps") for e in (a, b))
    found, _ = ddim().step(jax.random.key(0), CFGPlusPlus(conditional, null, 0.7), (), x, t, s)
    guided = b + 0.7 * (a - b)
    x0 = (x - process.sigma(t) * guided) / process.alpha(t)
    np.testing.assert_allclose(found, process.alpha(s) * x0 + process.sigma(s) * b, rtol=1e-5, atol=1e-5)
    take = lambda denoiser: heun().step(jax.random.key(0), denoiser, (), x, t, s)[0]
    plain = Denoiser(process, lambda x, t: guided, "eps")
    np.testing.assert_allclose(take(CFGPlusPlus(conditional, null, 0.7)), take(plain), rtol=1e-5, atol=1e-5)


def test_dynamic_threshold_scales_back_only_what_exceeds_the_range():
    x = jnp.stack([jnp.linspace(-0.5, 0.5, 101), jnp.linspace(-4.0, 4.0, 101)])
    denoiser = dynamic_threshold(Denoiser(vp(), lambda x, t: x, "x0"), quantile=0.5)
    found = denoiser(x, jnp.array(0.5))
    np.testing.assert_allclose(found[0], x[0])
    np.testing.assert_allclose(found[1], jnp.clip(x[1], -2.0, 2.0) / 2.0, rtol=1e-6)


def _drop(**changes):
    fields = {"null": {"label": 3, "text": 0.0}, "rates": {"label": 0.1, "text": 0.1}} | changes
    return drop_condition(jax.random.key(0), {"label": jnp.zeros(2, jnp.int32), "text": jnp.zeros((2, 3))}, **fields)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda m: classifier_free(m, m, 2.0, interval=(0.6, 0.3)), "interval must be"),
        (lambda m: classifier_free(m, m, 2.0, rescale=1.5), "rescale must lie in"),
        (lambda m: nested_classifier_free((m, m), (1.0, 2.0)), "one model more than scales, got 2 and 2"),
        (lambda m: composed_classifier_free(m, (), ()), "one model more than scales, got 1 and 0"),
        (lambda m: _drop(null={"label": 3, "text": jnp.zeros(4)}), r"of 'text' has shape \(4,\), an example \(3,\)"),
        (lambda m: _drop(null={"label": 3}), r"'text' cannot be dropped: .* null \['label'\]"),
        (lambda m: _drop(rates={"label": 1.5}), r"must lie in \[0, 1\], got 1.5"),
        (lambda m: dynamic_threshold(Denoiser(vp(), m, "x0"), quantile=0.0), "quantile must lie in"),
    ],
)
def test_bad_arguments_are_one_line(make, message):
    with pytest.raises(ValueError, match=message):
        make(lambda x, t: x)
