"""Two processes with two devices each are one process with four; what they save, one process can go on from."""

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

from tiny import make_config, make_data, make_experiment

from genjax_models.training.checkpoint import saved_steps
from genjax_models.training.loop import fit, load_state

pytestmark = pytest.mark.multiprocess


def start(workdir, **settings):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    worker = Path(__file__).with_name("tiny_worker.py")
    arguments = [f"{name}={json.dumps(value)}" for name, value in settings.items()]
    return [
        subprocess.Popen(
            [sys.executable, worker, str(index), "2", address, "2", workdir, *arguments],
            stderr=subprocess.PIPE,
            text=True,
        )
        for index in range(2)
    ]


def finish(processes):
    """Exit codes, and what was said on stderr; nobody is left behind when one of them hangs."""
    try:
        errors = [process.communicate(timeout=300)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [process.returncode for process in processes], "\n".join(errors)


def in_one_process(workdir, **settings):
    config = make_config(**settings)
    return fit(make_experiment(config), config, workdir, make_data(config))


def losses(workdir):
    return [json.loads(line)["loss"] for line in (workdir / "metrics.jsonl").read_text().splitlines()]


def last_line(workdir):
    return json.loads((workdir / "metrics.jsonl").read_text().splitlines()[-1])


def assert_close(a, b):
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-6), a, b)


# Adam would hide a gradient that is off by a factor, and magnify the rounding of one that is nearly zero.
SGD = {"optimizer.name": "sgd", "optimizer.learning_rate": 0.1, "optimizer.b1": 0.0, "optimizer.clip_norm": 0.0}


@pytest.mark.parametrize(
    "settings",
    [{"accumulate": 2}, {"parallel.fsdp": True}, {"parallel.mode": "shard_map"}],
    ids=["jit", "fsdp", "shard_map"],
)
def test_two_by_two_is_one_by_four(tmp_path, settings):
    """Losses, parameters, and the run that one process continues from the checkpoint of two."""
    settings = {**SGD, **settings}
    codes, errors = finish(start(tmp_path / "two", steps=8, **settings))
    assert codes == [0, 0], errors
    expected = in_one_process(tmp_path / "one", steps=8, **settings)
    np.testing.assert_allclose(losses(tmp_path / "two"), losses(tmp_path / "one"), rtol=1e-4)
    norm = np.linalg.norm(expected.params["model"]["out"]["kernel"])
    np.testing.assert_allclose(last_line(tmp_path / "two")["norm"], norm, rtol=1e-4)
    config = make_config(steps=8, **settings)
    restored = load_state(make_experiment(config), config, tmp_path / "two")
    assert_close((restored.params, restored.ema, restored.extra), (expected.params, expected.ema, expected.extra))
    longer = [in_one_process(tmp_path / name, steps=12, **settings) for name in ("two", "one")]
    assert_close(longer[0].params, longer[1].params)
    np.testing.assert_allclose(losses(tmp_path / "two"), losses(tmp_path / "one"), rtol=1e-4)


def test_a_signal_to_one_process_stops_all_of_them_at_one_step(tmp_path):
    processes = start(tmp_path, steps=100_000, log_every=5, checkpoint_every=0)
    logged = tmp_path / "metrics.jsonl"
    while not (logged.exists() and logged.read_bytes()):
        assert all(process.poll() is None for process in processes)
        time.sleep(0.05)
    processes[1].send_signal(signal.SIGTERM)
    codes, errors = finish(processes)
    assert codes == [128 + signal.SIGTERM] * 2, errors
    (step,) = saved_steps(tmp_path / "checkpoints")
    assert step % 5 == 0
