"""Schedules at known points and against optax's own; what clipping and weight decay act on."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from genjax_models.core.errors import UserError
from genjax_models.training import make_optimizer, optimizer_config
from genjax_models.training.optimizers import decayed, make_schedule

PEAK, WARMUP, STEPS = 0.5, 10, 110


def schedule(name, warmup=WARMUP, final=0.0):
    section = optimizer_config().schedule
    section.update(name=name, warmup_steps=warmup, final=final)
    rate = make_schedule(section, PEAK, STEPS)
    return lambda n: float(rate(jnp.asarray(n)))


@pytest.mark.parametrize(
    ("name", "points"),
    [
        ("constant", {0: 0.1, 4: 0.5, 9: 1, 109: 1}),
        ("linear", {0: 0.1, 9: 1, 10: 1, 35: 0.75, 60: 0.5, 110: 0, 500: 0}),
        ("cosine", {0: 0.1, 9: 1, 10: 1, 60: 0.5, 110: 0, 500: 0}),
        ("inverse_sqrt", {0: 0.1, 9: 1, 39: 0.5, 89: 1 / 3}),
    ],
)
def test_rates_at_known_points(name, points):
    rate = schedule(name)
    for n, expected in points.items():
        np.testing.assert_allclose(rate(n), PEAK * expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("final", [0.0, 0.1])
def test_decays_are_those_of_optax(final):
    cosine = optax.cosine_decay_schedule(PEAK, STEPS - WARMUP, alpha=final)
    linear = optax.linear_schedule(PEAK, final * PEAK, STEPS - WARMUP)
    for n in range(WARMUP, STEPS + 5, 7):
        np.testing.assert_allclose(schedule("cosine", final=final)(n), cosine(n - WARMUP), rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(schedule("linear", final=final)(n), linear(n - WARMUP), rtol=1e-5, atol=1e-7)


def test_without_warmup_the_first_rate_is_the_peak():
    for name in ("constant", "linear", "cosine", "inverse_sqrt"):
        assert schedule(name, warmup=0)(0) == PEAK


def optimizer(**fields):
    section = optimizer_config()
    section.update(fields)
    return make_optimizer(section, STEPS)


def test_clipping_bounds_the_global_norm():
    gradient = {"a": jnp.array([3.0, 0.0]), "b": jnp.array([[4.0]])}
    sgd = optimizer(name="sgd", learning_rate=1.0, b1=0.0, clip_norm=2.5)
    update, _ = sgd.update(gradient, sgd.init(gradient))
    jax.tree.map(lambda u, g: np.testing.assert_allclose(u, -g / 2, rtol=1e-6), update, gradient)
    free = optimizer(name="sgd", learning_rate=1.0, b1=0.0, clip_norm=0.0)
    update, _ = free.update(gradient, free.init(gradient))
    jax.tree.map(lambda u, g: np.testing.assert_array_equal(u, -g), update, gradient)


def test_sgd_has_momentum():
    """With gradients of 1, the k-th step is 1 + b + ... + b^(k-1)."""
    sgd = optimizer(name="sgd", learning_rate=1.0, b1=0.5, clip_norm=0.0)
    state = sgd.init(jnp.array(0.0))
    for expected in (1, 1.5, 1.75):
        update, state = sgd.update(jnp.array(1.0), state)
        np.testing.assert_allclose(update, -expected)


def test_weight_decay_spares_biases_and_scales_also_when_stacked_over_layers():
    params = {
        "dense": {"kernel": jnp.ones((2, 3)), "bias": jnp.ones(3)},
        "stacked": {"kernel": jnp.ones((4, 2, 3)), "bias": jnp.ones((4, 3)), "scale": jnp.ones((4, 3))},
    }
    expected = {
        "dense": {"kernel": True, "bias": False},
        "stacked": {"kernel": True, "bias": False, "scale": False},
    }
    assert decayed(params) == expected
    adamw = optimizer(name="adamw", learning_rate=0.1, weight_decay=0.2)
    update, _ = adamw.update(jax.tree.map(jnp.zeros_like, params), adamw.init(params), params)
    jax.tree.map(lambda u, d: np.testing.assert_allclose(u, -0.02 if d else 0.0, rtol=1e-6), update, expected)


def test_first_adam_update_is_the_sign_of_the_gradient():
    adam = optimizer(name="adam", learning_rate=0.1, clip_norm=0.0)
    gradient = jnp.array([0.3, -20.0])
    update, _ = adam.update(gradient, adam.init(gradient))
    np.testing.assert_allclose(update, [-0.1, 0.1], rtol=1e-5)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "adamm"}, "optimizer.name='adamm' is unknown; did you mean 'adam'"),
        ({"name": "sgd", "weight_decay": 0.1}, "no effect on sgd; use adamw"),
        ({"schedule": {"name": "cosin"}}, "did you mean 'cosine'"),
        ({"schedule": {"warmup_steps": 110}}, "warmup_steps must lie between 0 and train.steps=110, got 110"),
    ],
)
def test_mistakes_are_named(fields, message):
    with pytest.raises(UserError, match=message):
        optimizer(**fields)
