"""A run that is killed at any instant and started again ends exactly as one that never was."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np
from tiny import make_config, make_experiment

from genjax_models.training import parallel
from genjax_models.training.loop import load_state

SETTINGS = {"steps": 60, "checkpoint_every": 10, "log_every": 1}


def start(workdir):
    arguments = [f"{name}={value}" for name, value in SETTINGS.items()]
    script = Path(__file__).with_name("tiny.py")
    return subprocess.Popen([sys.executable, script, workdir, *arguments], stderr=subprocess.DEVNULL)


def metrics(workdir):
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k != "clock"} for line in lines]


def final_state(workdir):
    config = make_config(**SETTINGS)
    state = load_state(make_experiment(config), config, workdir, mesh=parallel.make_mesh(1))
    return state.replace(key=jax.random.key_data(state.key))


def test_kill_9_at_a_random_step_loses_nothing(tmp_path):
    """Parameters, average, optimiser, key, order of the data (through the losses) and every metric, bit for bit."""
    uninterrupted, killed = tmp_path / "uninterrupted", tmp_path / "killed"
    reference = start(uninterrupted)
    process, logged = start(killed), killed / "metrics.jsonl"
    enough = random.randrange(15, 50)
    while not logged.exists() or len(logged.read_bytes().splitlines()) < enough:
        assert process.poll() is None
        time.sleep(0.001)
    process.kill()
    process.wait()
    assert start(killed).wait() == 0
    assert reference.wait() == 0
    assert metrics(killed) == metrics(uninterrupted)
    a, b = final_state(killed), final_state(uninterrupted)
    assert a.step == SETTINGS["steps"]
    jax.tree.map(np.testing.assert_array_equal, a, b)
