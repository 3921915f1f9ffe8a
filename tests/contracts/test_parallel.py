"""One update, however many devices take it and however it is compiled.

Plain SGD throughout: its update is the gradient itself, so a gradient that is off by a factor cannot hide.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import PartitionSpec as P

from genjax_models.core.errors import UserError
from genjax_models.core.types import LossOutput
from genjax_models.training import Player, init_state, parallel, train_step
from genjax_models.training.ema import constant

MODES = ("jit", "shard_map", "pmap")
HIDDEN = 128


def regress(key, params, extra, batch, step):
    """No randomness; the extra state is a running mean of the batch, as that of a batch norm."""
    p = params["model"]
    error = jnp.square(jnp.tanh(batch["x"] @ p["in"]) @ p["out"] - batch["y"]).mean(-1)
    return LossOutput(error, {"abs": jnp.sqrt(error)}), {"mean": 0.9 * extra["mean"] + 0.1 * batch["x"].mean(0)}


def noisy(key, params, extra, batch, step):
    out, extra = regress(key, params, extra, batch, step)
    return LossOutput(out.value, {"draw": jax.random.uniform(key, out.value.shape)}), extra


def start(players):
    """The initial state; its numbers do not come from the key, so that building it is cheap."""
    random = np.random.default_rng(7)
    weights = {"in": random.normal(size=(8, HIDDEN)) / 8, "out": random.normal(size=(HIDDEN, HIDDEN)) / 16}
    params = {"model": jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), weights)}
    return init_state(jax.random.key(1), params, players, extra={"mean": jnp.zeros(8)}, ema=True)


def batch_of(size=16, seed=0):
    random = np.random.default_rng(seed)
    shapes = {"x": (size, 8), "y": (size, HIDDEN)}
    return {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def build(devices, mode="jit", *, fsdp=False, accumulate=1, objective=regress):
    players = (Player("model", objective, optax.sgd(0.5)),)
    mesh = parallel.make_mesh(devices)
    state = start(players)
    step = partial(train_step, players=players, accumulate=accumulate, ema=constant(0.5))
    compiled = parallel.compile(step, mesh, mode=mode, state=state, fsdp=fsdp)
    return compiled, jax.device_put(state, parallel.state_shardings(state, mesh, fsdp=fsdp)), mesh


def run(devices, mode="jit", steps=3, **options):
    compiled, state, mesh = build(devices, mode, **options)
    for i in range(steps):
        state, metrics = compiled(state, parallel.put_batch(batch_of(seed=i), mesh))
    return jax.device_get((state.params, state.ema, state.extra, metrics))


@pytest.fixture(scope="module")
def reference():
    return run(1)


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("devices", [1, 4])
def test_devices_modes_and_microbatches_give_one_update(reference, devices, mode, accumulate):
    result = run(devices, mode, accumulate=accumulate)
    if accumulate > 1:  # two updates of the running mean a step: another sequence, the same on all devices
        result[2]["mean"] = reference[2]["mean"]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), result, reference)


def test_fsdp_gives_the_replicated_update_and_splits_what_is_large(reference):
    result = run(4, fsdp=True)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), result, reference)
    compiled, state, mesh = build(4, fsdp=True)
    state, _ = compiled(state, parallel.put_batch(batch_of(), mesh))
    for tree in (state.params, state.ema):
        assert tree["model"]["out"].sharding.spec == P("data", None)
        assert tree["model"]["out"].addressable_shards[0].data.shape == (HIDDEN // 4, HIDDEN)
        assert tree["model"]["in"].sharding.spec == P()


@pytest.mark.parametrize("mode", ["shard_map", "pmap"])
def test_each_shard_draws_from_the_state_key_folded_with_its_index(mode):
    compiled, state, mesh = build(4, mode, objective=noisy)
    new, metrics = compiled(state, parallel.put_batch(batch_of(), mesh))
    draws = []
    for shard in range(4):
        key = jax.random.key(1)
        for index in (shard, 0, 0, 0):  # shard, step, player, microbatch
            key = jax.random.fold_in(key, index)
        draws.append(jax.random.uniform(key, (4,)))
    np.testing.assert_allclose(metrics["draw"], np.mean(draws), rtol=1e-6)
    np.testing.assert_array_equal(jax.random.key_data(new.key), jax.random.key_data(jax.random.key(1)))


def test_parameters_are_born_where_they_live():
    mesh = parallel.make_mesh(4)
    init = lambda key: start((Player("model", regress, optax.sgd(0.5)),)).replace(key=key)
    shardings = parallel.state_shardings(jax.eval_shape(init, jax.random.key(0)), mesh, fsdp=True)
    state = parallel.init_sharded(init, jax.random.key(0), shardings)
    assert jax.tree.map(lambda x: x.sharding, state) == shardings
    np.testing.assert_array_equal(
        state.params["model"]["out"], start((Player("model", regress, optax.sgd(0.5)),)).params["model"]["out"]
    )


def test_random_numbers_do_not_depend_on_the_number_of_devices():
    draws = [run(devices, objective=noisy)[-1]["draw"] for devices in (1, 2, 4)]
    np.testing.assert_allclose(draws, draws[0], rtol=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_nothing_is_compiled_after_the_first_step(mode, caplog):
    compiled, state, mesh = build(4, mode)
    compilations = []
    for i in range(3):
        batch = parallel.put_batch(batch_of(seed=i), mesh)
        caplog.clear()
        with jax.log_compiles():
            state, _ = compiled(state, batch)
        compilations.append(sum("XLA compilation" in record.getMessage() for record in caplog.records))
    assert compilations[0] >= 1
    assert compilations[1:] == [0, 0]


@pytest.mark.parametrize("mode", MODES)
def test_the_state_is_donated(mode):
    compiled, state, mesh = build(4, mode)
    compiled(state, parallel.put_batch(batch_of(), mesh))
    assert state.params["model"]["out"].is_deleted()
    assert state.ema["model"]["out"].is_deleted()


@pytest.mark.parametrize(("size", "accumulate", "nearest"), [(6, 1, 8), (8, 4, 16), (0, 1, 4), (3, 1, 4)])
def test_a_batch_that_the_devices_do_not_divide_is_refused(size, accumulate, nearest):
    with pytest.raises(UserError, match=f"train.batch_size={size} .* the nearest size that fits is {nearest}"):
        parallel.check_batch(size, parallel.make_mesh(4), accumulate)


def test_impossible_requests_are_refused():
    with pytest.raises(UserError, match="5 devices were requested, but this run has 4"):
        parallel.make_mesh(5)
    with pytest.raises(UserError, match="did you mean 'pmap'"):
        build(4, "pmapp")
    with pytest.raises(UserError, match=r"fsdp needs parallel\.mode='jit'"):
        build(4, "shard_map", fsdp=True)
