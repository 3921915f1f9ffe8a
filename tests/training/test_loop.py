"""The loop as its user sees it: runs that stop and go on as if they never had, and mistakes that cost nothing."""

import json
import os
import signal
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tiny import denoise, make_config, make_data, make_experiment

from genjax_models.core.errors import UserError
from genjax_models.core.types import LossOutput
from genjax_models.training.checkpoint import saved_steps
from genjax_models.training.loop import Hook, fit, load_state
from genjax_models.training.readout import NonFiniteError


def run(workdir, *, hooks=(), objective=denoise, data=None, **train):
    config = make_config(**train)
    return fit(make_experiment(config, objective), config, workdir, data or make_data(config), hooks=hooks)


def metrics(workdir):
    """The logged lines without the clock."""
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k != "clock"} for line in lines]


def bits(state):
    state = state.replace(key=jax.random.key_data(state.key))
    return jax.tree.map(np.asarray, state)


def assert_same_run(a, b):
    (state_a, workdir_a), (state_b, workdir_b) = a, b
    jax.tree.map(np.testing.assert_array_equal, bits(state_a), bits(state_b))
    assert metrics(workdir_a) == metrics(workdir_b)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("uninterrupted")
    return run(workdir), workdir


def test_a_run_logs_saves_and_learns(uninterrupted):
    state, workdir = uninterrupted
    assert state.step == 20
    assert state.extra["seen"] == 20 * 8
    assert [line["step"] for line in metrics(workdir)] == list(range(1, 21))
    assert saved_steps(workdir / "checkpoints") == [20, 16]


def test_a_run_that_is_made_longer_goes_on_as_if_it_had_been_long(uninterrupted, tmp_path):
    run(tmp_path, steps=11)
    assert_same_run((run(tmp_path), tmp_path), uninterrupted)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_finishes_the_step_saves_and_exits(uninterrupted, tmp_path, number):
    before = signal.getsignal(number)
    send = Hook(7, lambda step, state, log: os.kill(os.getpid(), number) if step == 7 else None)
    with pytest.raises(SystemExit) as stopped:
        run(tmp_path, hooks=[send])
    assert stopped.value.code == 128 + number
    assert signal.getsignal(number) == before
    assert saved_steps(tmp_path / "checkpoints")[0] == 7
    assert_same_run((run(tmp_path), tmp_path), uninterrupted)


def test_a_finished_run_is_left_alone(uninterrupted):
    state, workdir = uninterrupted
    config = make_config()
    data = make_data(config)
    before = (workdir / "metrics.jsonl").read_bytes()
    again = fit(make_experiment(config), config, workdir, data)
    jax.tree.map(np.testing.assert_array_equal, bits(again), bits(state))
    assert (workdir / "metrics.jsonl").read_bytes() == before


def test_its_state_can_be_loaded(uninterrupted, tmp_path):
    state, workdir = uninterrupted
    config = make_config()
    jax.tree.map(np.testing.assert_array_equal, bits(load_state(make_experiment(config), config, workdir)), bits(state))
    assert load_state(make_experiment(config), config, workdir, step=16).step == 16
    with pytest.raises(UserError, match="holds no checkpoint; train first"):
        load_state(make_experiment(config), config, tmp_path)


def test_hooks_run_in_their_turn_and_what_they_measure_is_logged(tmp_path):
    seen = []
    note = lambda step, state, log: seen.append((step, int(state.step))) or {"fd": 100.0 - step}
    measure = Hook(4, note, measures=("fd",))
    at_the_end = Hook(0, lambda step, state, log: seen.append("end"))
    best = {"keep_best.count": 1, "keep_best.metric": "fd", "keep_best.mode": "max"}
    run(tmp_path, hooks=[measure, at_the_end], steps=10, log_every=5, checkpoint_every=4, keep_last=1, **best)
    assert seen == [(4, 4), (8, 8), (10, 10), "end"]
    assert [(line["step"], line.get("fd")) for line in metrics(tmp_path)] == [(4, 96), (5, None), (8, 92), (10, 90)]
    assert saved_steps(tmp_path / "checkpoints") == [10, 4]


def bad_after(count):
    """The part `half` of the loss is NaN once `count` examples have been seen."""

    def objective(key, params, extra, batch, step):
        out, new = denoise(key, params, extra, batch, step)
        bad = jnp.where(extra["seen"] >= count, jnp.nan, 1.0)
        return LossOutput(out.value * bad, {"half": out.aux["half"] * bad}), new

    return objective


def test_a_loss_that_is_not_finite_stops_the_run_after_saving_what_is_good(tmp_path):
    with pytest.raises(NonFiniteError, match="half is not finite at step 6"):
        run(tmp_path, objective=bad_after(5 * 8), checkpoint_every=100)
    config = make_config(steps=20, checkpoint_every=100)
    saved = load_state(make_experiment(config), config, tmp_path)
    good = run(tmp_path / "good", steps=5)
    assert saved.extra["seen"] == 5 * 8
    jax.tree.map(np.testing.assert_array_equal, saved.params, good.params)


def test_or_is_skipped_if_the_config_says_so(tmp_path, caplog):
    state = run(tmp_path, objective=bad_after(5 * 8), nonfinite="skip", steps=9)
    assert state.step == 9
    assert np.isfinite(state.params["model"]["out"]["kernel"]).all()
    assert [line["nonfinite"] for line in metrics(tmp_path)] == [0] * 5 + [1] * 4
    assert ["loss" in line for line in metrics(tmp_path)] == [True] * 5 + [False] * 4
    assert "half is not finite at step 6; that update was skipped" in caplog.text


class Slow:
    """Delays every batch of an iterator."""

    def __init__(self, data, seconds):
        self.data, self.seconds = data, seconds
        self.get_state, self.set_state = data.get_state, data.set_state

    def __next__(self):
        time.sleep(self.seconds)
        return next(self.data)


def test_waiting_for_data_is_noticed(tmp_path):
    run(tmp_path, data=Slow(make_data(make_config()), 0.25), steps=4, log_every=4)
    (line,) = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert json.loads(line)["clock"]["waiting_for_data"] > 0.4


def test_nothing_is_compiled_after_the_first_step(tmp_path, caplog):
    run(tmp_path / "before")  # the first checkpoint of a process compiles slices of arrays, whichever test saves it
    compiled_at = []

    def note(step, state, log):
        compiled_at.append(sum("XLA compilation" in record.getMessage() for record in caplog.records))

    with jax.log_compiles():
        run(tmp_path / "run", hooks=[Hook(1, note)])
    assert compiled_at[0] > 0
    assert set(compiled_at) == {compiled_at[0]}


def compiles_nothing(caplog):
    return not any("train_step" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ({"batch_size": 6}, "train.batch_size=6 is not a multiple of 4 devices"),
        ({"accumulate": 0}, "train.accumulate=0 must be an integer, at least 1"),
        ({"log_every": 0}, "train.log_every=0 must be an integer, at least 1"),
        ({"nonfinite": "halt"}, "train.nonfinite='halt' must be a text, one of 'stop', 'skip'"),
        ({"parallel.mode": "shardmap"}, "must be a text, one of 'jit', 'shard_map', 'pmap'"),
        ({"ema.kind": "constnat"}, "did you mean 'constant'"),
        ({"keep_last": 0}, "keep_last=0 must be an integer, at least 1"),
    ],
)
def test_mistakes_in_the_config_are_named_before_anything_is_compiled(tmp_path, caplog, train, message):
    with jax.log_compiles(), pytest.raises(UserError, match=message):
        run(tmp_path, **train)
    assert compiles_nothing(caplog)


def test_a_metric_that_nothing_measures_is_named_before_the_first_step(tmp_path):
    with pytest.raises(UserError, match=r"keep_best\.metric='lossy' is never measured; what is: .*loss"):
        run(tmp_path, **{"keep_best.count": 1, "keep_best.metric": "lossy"})
    assert not (tmp_path / "metrics.jsonl").exists() and not saved_steps(tmp_path / "checkpoints")


def test_batches_of_another_size_are_named_before_anything_is_compiled(tmp_path, caplog):
    data = make_data(make_config(batch_size=12))
    with jax.log_compiles(), pytest.raises(UserError, match=r"batch\['x'\] of shape \(12, 4\), expected \[8, ...\]"):
        run(tmp_path, data=data)
    assert compiles_nothing(caplog)
    assert not (tmp_path / "config.json").exists()


def test_the_folder_of_another_config_is_refused(uninterrupted):
    with pytest.raises(UserError, match=r"train.seed \(0 there, 1 here\); choose another --workdir"):
        run(uninterrupted[1], seed=1)


def test_a_damaged_checkpoint_costs_only_the_steps_since_the_previous_one(uninterrupted, tmp_path):
    run(tmp_path, steps=11)
    largest = max((tmp_path / "checkpoints" / "11").rglob("*"), key=lambda path: path.stat().st_size * path.is_file())
    largest.write_bytes(largest.read_bytes()[:-1])
    assert_same_run((run(tmp_path), tmp_path), uninterrupted)
    assert (tmp_path / "checkpoints" / "damaged-11").is_dir()
