"""The step against gradient descent done by hand, and its promises about keys, extra state and non-finite numbers."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from genjax_models.core.types import LossOutput
from genjax_models.training import Player, init_state, train_step
from genjax_models.training.ema import constant

RATE = 0.1


def square(key, params, extra, batch, step):
    """½‖w - x‖², whose mean gradient is w - mean(x)."""
    return LossOutput(0.5 * jnp.square(params["model"][None] - batch["x"]).sum(-1)), extra


def one_player(objective, tx=None, **state):
    players = (Player("model", objective, tx or optax.sgd(RATE)),)
    params = {"model": jnp.array([1.0, -2.0])}
    return players, init_state(jax.random.key(0), params, players, **state)


def batch_of(size, seed=0):
    return {"x": np.random.default_rng(seed).normal(size=(size, 2)).astype(np.float32)}


@pytest.mark.parametrize("accumulate", [1, 2, 4])
def test_a_step_is_gradient_descent_on_the_mean_however_it_is_accumulated(accumulate):
    players, state = one_player(square)
    batch = batch_of(8)
    w = np.array([1.0, -2.0])
    new, metrics = train_step(state, batch, players=players, accumulate=accumulate)
    gradient = w - batch["x"].mean(0)
    np.testing.assert_allclose(new.params["model"], w - RATE * gradient, rtol=1e-6)
    np.testing.assert_allclose(metrics["loss"], 0.5 * ((w - batch["x"]) ** 2).sum(-1).mean(), rtol=1e-6)
    np.testing.assert_allclose(metrics["grad_norm"], np.linalg.norm(gradient), rtol=1e-6)
    assert new.step == 1


def test_average_follows_its_recursion():
    players, state = one_player(square, ema=True)
    step = jax.jit(partial(train_step, players=players, ema=constant(0.75)))
    expected = np.array([1.0, -2.0])
    for i in range(4):
        state, _ = step(state, batch_of(4, seed=i))
        expected = 0.75 * expected + 0.25 * np.asarray(state.params["model"])
        np.testing.assert_allclose(state.ema["model"], expected, rtol=1e-6)


def test_two_players_play_the_bilinear_game_in_turn():
    """min_x max_y xy by alternating steps: x' = x - ηy, then y' = y + ηx'."""
    game = lambda sign: lambda key, p, extra, batch, step: (LossOutput(sign * p["x"] * p["y"] * batch["one"]), extra)
    players = (Player("x", game(1), optax.sgd(RATE)), Player("y", game(-1), optax.sgd(RATE)))
    state = init_state(jax.random.key(0), {"x": jnp.array(1.0), "y": jnp.array(0.5)}, players)
    step = jax.jit(partial(train_step, players=players))
    x, y = 1.0, 0.5
    for _ in range(5):
        state, metrics = step(state, {"one": np.ones(4, np.float32)})
        np.testing.assert_allclose(metrics["x/loss"], x * y, rtol=1e-5)
        x = x - RATE * y
        np.testing.assert_allclose(metrics["y/loss"], -x * y, rtol=1e-5)
        y = y + RATE * x
        np.testing.assert_allclose([state.params["x"], state.params["y"]], [x, y], rtol=1e-5)


def test_a_player_moves_on_every_nth_step_and_rests_otherwise():
    pull = lambda name: lambda key, p, extra, batch, step: (LossOutput(p[name] * batch["one"]), {"n": extra["n"] + 1})
    players = (
        Player("critic", pull("critic"), optax.sgd(1.0)),
        Player("actor", pull("actor"), optax.sgd(1.0), every=3),
    )
    params = {"critic": jnp.array(0.0), "actor": jnp.array(0.0)}
    state = init_state(jax.random.key(0), params, players, extra={"n": jnp.array(0)})
    step = jax.jit(partial(train_step, players=players))
    for n in range(1, 8):
        state, metrics = step(state, {"one": np.ones(2, np.float32)})
        assert state.params["critic"] == -n
        assert state.params["actor"] == -(n // 3)
        assert state.extra["n"] == n + n // 3
        assert np.isnan(metrics["actor/loss"]) == (n % 3 != 0)
        assert metrics["actor/nonfinite"] == 0


def test_every_microbatch_player_and_step_draws_from_its_own_key():
    def draw(key, params, extra, batch, step):
        draws = extra["draws"].at[extra["count"]].set(jax.random.uniform(key))
        return LossOutput(0.0 * params["a"] + batch["one"]), {"draws": draws, "count": extra["count"] + 1}

    players = (Player("a", draw, optax.sgd(1.0)), Player("b", draw, optax.sgd(1.0)))
    extra = {"draws": jnp.zeros(12), "count": jnp.array(0)}
    start = init_state(jax.random.key(3), {"a": jnp.array(0.0), "b": jnp.array(0.0)}, players, extra=extra)
    step = jax.jit(partial(train_step, players=players, accumulate=3))

    def run(state):
        for _ in range(2):
            state, _ = step(state, {"one": np.ones(6, np.float32)})
        return np.asarray(state.extra["draws"])

    draws = run(start)
    assert len(set(draws.tolist())) == 12
    np.testing.assert_array_equal(run(start), draws)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_an_update_that_is_not_finite_changes_nothing_but_the_counter(accumulate):
    counting = lambda *args: (square(*args)[0], {"batches": args[2]["batches"] + 1})
    players, state = one_player(counting, optax.adam(RATE), extra={"batches": jnp.array(0)})
    step = jax.jit(partial(train_step, players=players, accumulate=accumulate))
    before, _ = step(state, batch_of(4))
    bad = batch_of(4)
    bad["x"][3, 1] = np.inf
    after, metrics = step(before, bad)
    assert metrics["nonfinite"] == 1
    assert after.step == 2
    for name in ("params", "opt_state", "extra"):
        jax.tree.map(np.testing.assert_array_equal, getattr(after, name), getattr(before, name))
    assert step(after, batch_of(4))[1]["nonfinite"] == 0


def test_an_infinite_gradient_of_a_finite_loss_is_caught():
    players, state = one_player(
        lambda key, p, extra, batch, step: (LossOutput(jnp.sqrt(batch["x"] * p["model"][0])), extra)
    )
    new, metrics = train_step(state, {"x": np.zeros(2, np.float32)}, players=players)
    assert metrics["loss"] == 0
    assert metrics["nonfinite"] == 1
    np.testing.assert_array_equal(new.params["model"], state.params["model"])


def test_a_loss_without_its_batch_axis_is_refused():
    players, state = one_player(lambda key, p, extra, batch, step: (LossOutput(jnp.square(p["model"]).sum()), extra))
    with pytest.raises(ValueError, match=r"must have shape \[4\]"):
        train_step(state, batch_of(4), players=players)


def test_microbatches_must_be_equal():
    players, state = one_player(square)
    with pytest.raises(ValueError, match="accumulate=3 does not divide a batch of 4"):
        train_step(state, batch_of(4), players=players, accumulate=3)


def test_each_player_needs_parameters():
    with pytest.raises(ValueError, match="each player needs one tree"):
        init_state(jax.random.key(0), {"other": jnp.zeros(2)}, (Player("model", square, optax.sgd(RATE)),))


def unbounded(key, params, extra, batch, step):
    """A gradient of ones, finite whatever the parameters are."""
    return LossOutput(jnp.zeros(len(batch["x"])) + params["model"].sum()), extra


def overflowing(key, params, extra, batch, step):
    return LossOutput(0.0 * params["model"].sum() + jnp.zeros(len(batch["x"]))), extra * 1e20


@pytest.mark.parametrize("rate", [np.nan, np.inf, 1e38, 1e20])
def test_an_update_that_is_not_finite_is_not_applied_whatever_made_it_so(rate):
    """A learning rate that is not finite, and two that are: of parameters whose squares are not."""
    players, state = one_player(unbounded, optax.sgd(rate), ema=True)
    step = jax.jit(partial(train_step, players=players, ema=constant(0.5)))
    new, metrics = step(state, batch_of(4))
    assert metrics["nonfinite"] == 1 and np.isfinite([metrics["loss"], metrics["grad_norm"]]).all()
    np.testing.assert_array_equal(new.params["model"], state.params["model"])
    np.testing.assert_array_equal(new.ema["model"], state.ema["model"])
    assert new.step == 1


def test_extra_and_the_optimiser_are_looked_at_too():
    players, state = one_player(overflowing, extra=jnp.ones(2))
    step = jax.jit(partial(train_step, players=players))
    for bad in (0.0, 1.0):
        state, metrics = step(state, batch_of(4))
        assert metrics["nonfinite"] == bad
        np.testing.assert_array_equal(state.extra, np.float32(1e20))

    broken = optax.GradientTransformation(lambda p: jnp.zeros(()), lambda g, s, p=None: (g, s + jnp.inf))
    players, state = one_player(square, broken)
    new, metrics = train_step(state, batch_of(4), players=players)
    assert metrics["nonfinite"] == 1 and new.opt_state["model"] == 0


def test_an_optimiser_may_start_from_infinity():
    """As optax's `reduce_on_plateau` does, whose best value so far is infinite."""
    plateau = optax.GradientTransformation(lambda p: jnp.full((), jnp.inf), lambda g, s, p=None: (g, s))
    players, state = one_player(square, plateau)
    assert train_step(state, batch_of(4), players=players)[1]["nonfinite"] == 0


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16, jnp.float32])
def test_every_array_of_the_state_keeps_its_dtype(dtype):
    """The average of half-precision parameters is of float32, where a step of a thousandth is not lost."""
    players = (Player("model", square, optax.adam(RATE)),)
    extra = {"half": jnp.ones(2, dtype), "count": jnp.zeros((), jnp.int32)}
    objective = lambda *a: (square(*a)[0], {"half": a[2]["half"] * jnp.float32(0.5), "count": a[2]["count"] + 1})
    players = (players[0]._replace(objective=objective),)
    state = init_state(jax.random.key(0), {"model": jnp.ones(2, dtype)}, players, ema=True, extra=extra)
    assert state.ema["model"].dtype == jnp.float32
    step = jax.jit(partial(train_step, players=players, ema=constant(0.999)))
    new, _ = step(state, batch_of(4))
    assert jax.tree.map(lambda x: x.dtype, new) == jax.tree.map(lambda x: x.dtype, state)
    moved = np.asarray(new.params["model"], np.float32) - 1.0
    np.testing.assert_allclose(new.ema["model"], 1.0 + 0.001 * moved, rtol=1e-6)


def test_a_step_keeps_dtypes_where_jax_has_float64():
    with jax.enable_x64(True):
        players = (Player("model", square, optax.adam(RATE)),)
        for dtype in (jnp.float32, jnp.float64):
            state = init_state(jax.random.key(0), {"model": jnp.ones(2, dtype)}, players, ema=True)
            step = partial(train_step, players=players, ema=constant(0.999))
            shapes = jax.eval_shape(step, state, {"x": jnp.ones((4, 2), jnp.float64)})[0]
            assert jax.tree.map(lambda x: x.dtype, shapes) == jax.tree.map(lambda x: x.dtype, state)
