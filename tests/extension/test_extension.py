"""A family of another package, by the real commands: nothing but the library's tables knows of it."""

import csv
import json
import os
import subprocess
import sys
from itertools import permutations
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from .rank_likelihood import gumbel_sort, log_prob
from .rankings import BIAS, NAMES, WEIGHTS, read

ROOT = Path(__file__).parents[2]
CONFIG = "--config=tests/extension/plackett1975_rankings.py"
ORDERS = list(permutations(range(4)))


def chances(scores):
    """The probability of each of `ORDERS`, place by place from what is left."""
    weights = np.exp(np.asarray(scores, np.float64))
    place = lambda order, k: weights[order[k]] / sum(weights[item] for item in order[k:])
    return np.array([np.prod([place(order, k) for k in range(4)]) for order in ORDERS])


def test_the_likelihood_is_that_of_the_places_one_after_the_other():
    scores = np.array([0.3, -1.0, 2.0, 0.7], np.float32)
    expected = chances(scores)
    found = log_prob(jnp.tile(scores[None], (24, 1)), jnp.asarray(ORDERS))
    assert expected.sum() == pytest.approx(1)
    np.testing.assert_allclose(np.exp(found), expected, rtol=1e-5)


def test_the_sampler_draws_from_that_distribution():
    scores, num = np.array([0.3, -1.0, 1.0, 0.7], np.float32), 20_000
    drawn = gumbel_sort(jax.random.key(0), jnp.tile(scores[None], (num, 1))).tolist()
    counts = np.array([sum(row == list(order) for row in drawn) for order in ORDERS])
    expected = num * chances(scores)
    assert ((counts - expected) ** 2 / expected).sum() < 49.7  # 99.9 % of chi squared with 23 degrees of freedom


def run(module, *flags):
    command = [sys.executable, "-m", f"experiments.{module}", *flags]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}  # other packages install a `tests` of their own
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rankings") / "run"
    done = run("train", CONFIG, f"--workdir={folder}")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
def test_training_shows_samples_in_the_format_of_their_kind(trained):
    preview = json.loads((trained / "samples" / "step_000300.json").read_text())
    assert len(preview) == 8 and all(sorted(row) == sorted(NAMES) for row in preview)


@pytest.mark.slow
def test_evaluation_uses_the_evaluator_and_reaches_the_entropy(trained):
    done = run("evaluate", f"--workdir={trained}", "--allow=extension")  # of which its config names a module
    assert done.returncode == 0, done.stderr
    found = json.loads((trained / "eval.json").read_text())
    assert {row["evaluator"] for row in found["samples"]} == {"precedence"}
    assert {row["samples"] for row in found["samples"]} == {"gumbel_sort 1", "real samples"}
    metrics = {row["metric"]: row["value"] for row in found["samples"] if row["samples"] == "gumbel_sort 1"}
    assert set(metrics) >= {"Fréchet distance", "kernel distance", "precision", "coverage"}
    assert metrics["Fréchet distance"] < 0.1  # 6 zeros and ones of variance 1/4 at most
    test = read("rankings", "test", None)
    truth = np.mean(
        [
            -np.log(chances(row)[ORDERS.index(tuple(x))])
            for row, x in zip(test.fields["voter"] @ WEIGHTS + BIAS, test.x.tolist(), strict=True)
        ]
    )
    assert found["likelihood"]["kind"] == "exact" and found["likelihood"]["n"] == 1000
    assert found["likelihood"]["nats"] == pytest.approx(found["held_out"]["loss"], rel=1e-4)
    assert found["likelihood"]["nats"] == pytest.approx(truth, abs=0.02)  # 9 / 8,000 by theory, and the optimiser's


@pytest.mark.slow
def test_samples_follow_the_condition_of_the_command_line(trained, tmp_path):
    num = 2000
    for voter in ((1.0, -1.0), (-1.5, 0.5)):
        out = tmp_path / "samples.csv"
        done = run(
            "sample",
            f"--workdir={trained}",
            "--allow=extension",
            f"--num={num}",
            f"--cond.voter={voter[0]},{voter[1]}",
            f"--out={out}",
        )
        assert done.returncode == 0, done.stderr
        with out.open(newline="") as file:
            head, *rows = list(csv.reader(file))
        assert head == ["place 1", "place 2", "place 3", "place 4"] and len(rows) == num
        weights = np.exp(np.array(voter) @ WEIGHTS + BIAS)
        first = np.array([sum(row[0] == name for row in rows) / num for name in NAMES])
        # The samples' standard error is 0.011 at most, and that of the scores, which 4,000 rankings give, as much.
        np.testing.assert_allclose(first, weights / weights.sum(), atol=0.06)


@pytest.mark.slow
def test_the_fields_of_its_config_are_explained_and_shrink():
    done = run("train", f"{CONFIG}:smoke", "--explain=train.steps")
    assert (done.returncode, done.stdout) == (0, "train.steps = 20 (an integer, at least 1): of training\n")
    done = run("train", CONFIG, "--explain=condition")
    assert done.stdout.startswith("condition = ('voter',)")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "flag", "said"),
    [
        ("sample", "--out=a.png", "ranking data of shape (4,) are written to .json, .csv, .npz"),
        ("sample", "--cond.voter=1", "--cond.voter=1 must be 2 finite numbers with commas between them"),
        ("sample", "--cond.label=1", "was not trained with a condition 'label': it takes voter"),
        ("evaluate", "--config.eval.features=digits", "digits measures data of image, not of ranking"),
    ],
)
def test_mistakes_are_one_line(trained, command, flag, said):
    config = [CONFIG] if "--config." in flag else []
    done = run(command, *config, f"--workdir={trained}", "--allow=extension", flag)
    assert done.returncode == 2 and said in done.stderr
    assert done.stderr.count("error: ") == 1 and "Traceback" not in done.stderr
