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


def test_an_optimiser_of_optax_by_path_has_the_learning_rate_its_options_and_the_schedule():
    """Lion's first update is the sign of the gradient, less the decay of the parameter."""
    fields = {"name": "optax.lion", "learning_rate": 0.1, "clip_norm": 0.0, "options": {"weight_decay": 0.5}}
    lion = optimizer(**fields, schedule={"name": "linear", "warmup_steps": 2})
    params, gradient = jnp.array([1.0, -2.0, 4.0]), jnp.array([0.3, -20.0, 0.0])
    state = lion.init(params)
    for rate in (0.05, 0.1):
        update, state = lion.update(gradient, state, params)
        np.testing.assert_allclose(update, -rate * (np.sign(gradient) + 0.5 * params), rtol=1e-6)


def test_every_optimiser_that_is_accepted_makes_a_step_of_real_shapes():
    params = {"dense": {"kernel": jnp.ones((3, 2)), "bias": jnp.ones(2)}}
    for name in ("optax.sgd", "optax.adafactor", "optax.contrib.muon", "optax.contrib.prodigy"):
        tx = optimizer(name=name, learning_rate=0.1)
        update, _ = tx.update(params, tx.init(params), params)
        assert jax.tree.map(jnp.shape, update) == jax.tree.map(jnp.shape, params)
    sgd, own = optimizer(name="optax.sgd", b1=0.9, learning_rate=0.1), optimizer(name="sgd", b1=0.0, learning_rate=0.1)
    updates = [tx.update(params, tx.init(params), params)[0] for tx in (sgd, own)]
    jax.tree.map(np.testing.assert_array_equal, *updates)


PARAMS = {"embed": {"kernel": jnp.array([[3.0, -1.0]])}, "head": {"kernel": jnp.array([[0.5]]), "bias": jnp.ones(1)}}


def test_multipliers_are_of_the_learning_rate():
    """SGD in closed form; the first pattern that is found in a path decides, where none is found the factor is 1."""
    tx = optimizer(name="sgd", learning_rate=0.1, b1=0.0, clip_norm=0.0, multipliers=(("bias$", 3.0), ("head/", 0.5)))
    update, _ = tx.update(PARAMS, tx.init(PARAMS), PARAMS)
    rates = {"embed": {"kernel": 0.1}, "head": {"kernel": 0.05, "bias": 0.3}}
    jax.tree.map(lambda u, g, rate: np.testing.assert_allclose(u, -rate * g, rtol=1e-6), update, PARAMS, rates)


def test_multipliers_act_after_adam_and_on_its_weight_decay():
    """Two steps with a factor are those at as many times the rate, decay and all."""
    run = {}
    for rate, factor in ((0.1, 0.5), (0.05, 1.0)):
        tx = optimizer(name="adamw", learning_rate=rate, weight_decay=0.2, multipliers=((".", factor),))
        params, state = PARAMS, tx.init(PARAMS)
        for _ in range(2):
            update, state = tx.update(PARAMS, state, params)
            params = optax.apply_updates(params, update)
        run[rate] = params
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), *run.values())
    assert float(run[0.1]["embed"]["kernel"][0, 0]) < 2.95


def test_a_factor_of_zero_freezes_to_the_bit():
    """Also what is forced to unit magnitude, decays, and whose gradient is not finite."""
    params = {"a": {"direction": jnp.array([[3.0], [-1.0]])}, "b": {"direction": jnp.array([[3.0], [-1.0]])}}
    gradient = {"a": {"direction": jnp.full((2, 1), jnp.nan)}, "b": {"direction": jnp.ones((2, 1))}}
    tx = optimizer(name="adamw", weight_decay=0.1, clip_norm=0.0, multipliers=(("^a/", 0.0),))
    update, _ = jax.jit(tx.update)(gradient, tx.init(params), params)
    moved = optax.apply_updates(params, update)
    plain = optimizer(name="adamw", weight_decay=0.1, clip_norm=0.0)
    free, _ = plain.update(gradient, plain.init(params), params)
    np.testing.assert_array_equal(moved["a"]["direction"], params["a"]["direction"])
    np.testing.assert_allclose(update["b"]["direction"], free["b"]["direction"], rtol=1e-6)


def test_a_pattern_that_finds_nothing_is_refused_with_the_nearest_path():
    tx = optimizer(multipliers=(("head/kernal", 0.1),))
    with pytest.raises(UserError, match="'head/kernal' is found in no parameter's path; the nearest is 'head/kernel'"):
        jax.eval_shape(tx.init, PARAMS)


def test_a_section_from_before_the_options_is_read():
    section = optimizer_config()
    del section.options, section.multipliers
    make_optimizer(section, STEPS)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "adamm"}, "optimizer.name='adamm' is unknown; did you mean 'adam'"),
        ({"name": "sgd", "weight_decay": 0.1}, "no effect on sgd; use adamw"),
        ({"name": "optax.loin"}, "optimizer.name='optax.loin' is unknown; did you mean 'optax.lion'"),
        ({"name": "optax.contrib.mou"}, "did you mean 'optax.contrib.muon'"),
        ({"name": "os.system"}, "is unknown"),
        ({"name": "optax.contrib._muon.jax.eval_shape"}, "is unknown"),
        ({"name": "optax.apply_updates"}, "is unknown"),
        ({"name": "optax.lion", "options": {"b3": 0.1}}, "do not suit optax.lion.*unexpected keyword argument 'b3'"),
        ({"name": "optax.lbfgs"}, "or it needs more than gradients"),
        ({"name": "optax.lion", "weight_decay": 0.1}, "optax.lion reads optimizer.options.weight_decay"),
        ({"name": "adam", "options": {"nesterov": True}}, "options are for optimisers by path"),
        ({"multipliers": (("(", 1.0),)}, "must be pairs"),
        ({"multipliers": (("bias", -1.0),)}, "must be a tuple, pairs .regular expression, factor of at least 0"),
        ({"schedule": {"name": "cosin"}}, "did you mean 'cosine'"),
        ({"schedule": {"warmup_steps": 110}}, "warmup_steps must lie between 0 and train.steps=110, got 110"),
    ],
)
def test_mistakes_are_named(fields, message):
    with pytest.raises(UserError, match=message):
        optimizer(**fields)
