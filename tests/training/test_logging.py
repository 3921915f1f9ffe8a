"""What is written about a run, and what of it survives a kill."""

import json
import struct

import jax.numpy as jnp
import numpy as np
import pytest
from tensorboardX.proto.event_pb2 import Event, SessionLog

from genjax_models.core.errors import UserError
from genjax_models.training.clock import Clock
from genjax_models.training.logging import RunLog, describe, truncate_metrics
from genjax_models.training.readout import NonFiniteError, Readout, nonfinite_term

CLOCK = {"steps_per_s": 8.0, "examples_per_s": 1024.0, "seconds_left": 3725.0, "waiting_for_data": 0.012}


def lines(workdir):
    return [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]


def test_metrics_and_clock_readings_stand_apart(tmp_path):
    with RunLog(tmp_path, start=0, steps=2) as log:
        log.write(1, {"loss": 0.5}, CLOCK)
        log.write(2, {"loss": float("nan"), "critic/loss": 0.25}, CLOCK)
    assert lines(tmp_path) == [
        {"step": 1, "loss": 0.5, "clock": CLOCK},
        {"step": 2, "critic/loss": 0.25, "clock": CLOCK},
    ]


def events(workdir):
    """What TensorBoard would read: records of length, checksum, bytes, checksum."""
    found = []
    for path in sorted(workdir.glob("events.out.tfevents.*"), key=lambda path: int(path.suffix[1:])):
        content = path.read_bytes()
        while content:
            (length,) = struct.unpack("<Q", content[:8])
            found.append(Event.FromString(content[12 : 12 + length]))
            content = content[16 + length :]
    return found


def test_tensorboard_gets_scalars_and_images_and_forgets_what_comes_again(tmp_path):
    with RunLog(tmp_path, start=0, steps=9) as log:
        log.write(2, {"loss": 0.5}, {**CLOCK, "steps_per_s": 7.0})
        log.images("samples", 2, np.zeros((4, 8, 8, 1), np.uint8))
        (_, *scalars, image) = events(tmp_path)  # before the file is closed: a kill loses nothing
    values = {event.summary.value[0].tag: (event.step, event.summary.value[0].simple_value) for event in scalars}
    assert values["loss"] == (2, 0.5)
    assert values["clock/steps_per_s"] == (2, 7.0)
    assert image.summary.value[0].image.height * image.summary.value[0].image.width == 4 * 8 * 8
    with RunLog(tmp_path, start=1, steps=9):
        pass
    restart = events(tmp_path)[-1]
    assert (restart.step, restart.session_log.status) == (2, SessionLog.START)


def test_the_line_on_the_screen_has_everything_one_wants_to_know():
    text = describe({"loss": 0.12344, "grad_norm": 3.0}, CLOCK)
    assert text == "loss 0.1234  8.0 steps/s  1024 examples/s  1:02:05 left  1.2% waiting for data"


def test_a_resumed_run_drops_what_will_come_again_and_what_was_cut_off(tmp_path):
    path = tmp_path / "metrics.jsonl"
    whole = [json.dumps({"step": step}) + "\n" for step in (1, 2, 3, 4)]
    path.write_text("".join(whole) + '{"step": 5, "lo')
    truncate_metrics(path, 4)
    assert path.read_text() == "".join(whole)
    with RunLog(tmp_path, start=2, steps=9) as log:
        log.write(3, {"loss": 1.0}, CLOCK)
    assert [line["step"] for line in lines(tmp_path)] == [1, 2, 3]
    with RunLog(tmp_path, start=0, steps=9):
        pass
    assert lines(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "run").write_text("a file")
    with pytest.raises(UserError, match="cannot write to"):
        RunLog(tmp_path / "run", start=0, steps=1)


class Busy:
    """An array that the device is still working on."""

    def is_ready(self):
        return False


def test_the_clock_counts_waiting_only_while_the_device_is_idle(monkeypatch):
    now = 0.0
    monkeypatch.setattr("time.perf_counter", lambda: now)
    clock = Clock(start=10, steps=30, batch_size=4)
    with clock.waiting({"loss": jnp.zeros(())}):
        now += 1.0
    with clock.waiting({"loss": Busy()}):
        now += 2.0
    with clock.paused():
        now += 100.0
    now += 1.0
    reading = {"steps_per_s": 2.5, "examples_per_s": 10.0, "seconds_left": 4.0, "waiting_for_data": 0.25}
    assert clock.read(20) == reading
    now += 5.0
    assert clock.read(25) == {
        **reading,
        "steps_per_s": 1.0,
        "examples_per_s": 4.0,
        "seconds_left": 5.0,
        "waiting_for_data": 0.0,
    }


class Recorder:
    """Stands for a `RunLog`."""

    def __init__(self):
        self.lines = []

    def write(self, step, metrics, clock):
        self.lines.append((step, dict(metrics)))


def readout(recorder, **options):
    clock = Clock(start=0, steps=9, batch_size=1)
    return Readout(recorder, clock, **{"log_every": 3, "last": 8, "stop": True, **options})


def step_metrics(loss, nonfinite=0.0):
    return {"loss": jnp.asarray(loss), "grad_norm": jnp.asarray(1.0), "nonfinite": jnp.asarray(nonfinite)}


def test_metrics_are_read_late_and_logged_in_their_turn():
    recorder = Recorder()
    late = readout(recorder)
    for step in range(1, 9):
        late.push(step, step_metrics(float(step)), {"fd": 7.0} if step == 5 else {})
        late.drain(leave=2)
        assert all(logged <= step - 2 for logged, _ in recorder.lines)
    assert late.drain()["loss"] == 8
    assert [step for step, _ in recorder.lines] == [3, 5, 6, 8]
    assert recorder.lines[1] == (5, {"loss": 5.0, "grad_norm": 1.0, "nonfinite": 0.0, "fd": 7.0})


def test_a_step_that_is_not_finite_stops_the_run_or_is_reported(caplog):
    late = readout(Recorder())
    late.push(4, step_metrics(np.nan, 1.0), {})
    with pytest.raises(NonFiniteError, match="loss is not finite at step 4"):
        late.drain()
    late = readout(Recorder(), stop=False)
    late.push(4, step_metrics(np.nan, 1.0), {})
    late.drain()
    assert [record.getMessage() for record in caplog.records] == [
        "loss is not finite at step 4; that update was skipped"
    ]


@pytest.mark.parametrize(
    ("metrics", "flag", "term"),
    [
        ({"grad_norm": np.nan, "kl": np.inf, "loss": np.inf, "nonfinite": 1, "rate": 1.0}, "nonfinite", "kl"),
        ({"grad_norm": np.nan, "kl": 1.0, "loss": np.nan, "nonfinite": 1}, "nonfinite", "loss"),
        ({"grad_norm": np.inf, "kl": 1.0, "loss": 1.0, "nonfinite": 1}, "nonfinite", "grad_norm"),
        ({"a/loss": np.nan, "b/grad_norm": 1.0, "b/loss": np.nan, "b/nonfinite": 1}, "b/nonfinite", "b/loss"),
    ],
)
def test_the_culprit_is_a_part_before_the_whole(metrics, flag, term):
    assert nonfinite_term(metrics, flag) == term


def test_a_warning_is_said_when_it_begins_with_its_step_and_not_again_while_it_lasts(caplog):
    watched = readout(Recorder(), log_every=1, watch=lambda values: "collapse" if values["loss"] < 0 else None)
    for step, loss in enumerate([1.0, -1.0, -1.0, 1.0, -1.0], start=1):
        watched.push(step, step_metrics(loss), {})
    watched.drain()
    assert [record.getMessage() for record in caplog.records] == ["step 2: collapse", "step 5: collapse"]
