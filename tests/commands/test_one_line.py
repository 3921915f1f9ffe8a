"""What goes wrong outside of a config ends in one line too: files, folders, configs from elsewhere, signals."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from genjax_models.training.lock import locked

ROOT = Path(__file__).parents[2]
DIGITS = "--config=configs/flow_matching/lipman2023_digits.py:smoke"
CONDITIONAL = "--config=configs/flow_matching/lipman2023_digits.py:conditional,smoke"


def run(module, *flags, **environment):
    command = [sys.executable, "-m", f"experiments.{module}", *flags]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=300, check=False
    )


def line_of(done, status=2):
    """The one line on stderr of a command that fails, after the lines of its progress."""
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr and done.stderr.count("error: ") == 1
    return done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def get_config(\n", r"line 1: SyntaxError: '\(' was never closed$"),
        ("\nimport nothing_here\n", r"line 2: ModuleNotFoundError: No module named 'nothing_here'$"),
        ("def get_config(v=''):\n    return {}['nothing']\n", r"line 2: KeyError: 'nothing'$"),
        ("def get_config(v=''):\n    raise RuntimeError('one\\ntwo')\n", r"line 2: RuntimeError: one$"),
        ("x = 1\n", "has no attribute 'get_config'"),
        ("from ml_collections import ConfigDict as C\nget_config = lambda v='': C({'a': 1})\n", "names no experiment"),
    ],
)
def test_a_config_file_that_fails_is_named_with_its_line(tmp_path, text, said):
    file = tmp_path / "config.py"
    file.write_text(text)
    line = line_of(run("train", f"--config={file}", f"--workdir={tmp_path / 'run'}"))
    assert re.search(said, line)
    assert "line" not in said or str(file) in line


def test_debug_shows_the_trace(tmp_path):
    file = tmp_path / "config.py"
    file.write_text("import nothing_here\n")
    done = run("train", f"--config={file}", f"--workdir={tmp_path / 'run'}", "--debug")
    assert done.returncode == 1 and "Traceback" in done.stderr


@pytest.fixture
def folder(tmp_path):
    """A run's folder from elsewhere: `write(**fields)` puts them into its config.json."""

    def write(**fields):
        (tmp_path / "config.json").write_text(json.dumps({"train": {}, **fields}))
        return f"--workdir={tmp_path}"

    return write


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"experiment": "os.path"}, "names os.path as experiment: if you trust the folder, add --allow=os$"),
        (
            {"experiment": "experiments.vae", "encoder": {"name": "subprocess.check_call", "args": ["true"]}},
            "names subprocess.check_call as encoder.name",
        ),
        ({"experiment": "experiments.vae", "teacher": {"net": {"name": "shutil.rmtree"}}}, "shutil.rmtree as teacher"),
    ],
)
def test_a_config_from_elsewhere_names_our_packages_alone(folder, fields, said):
    assert re.search(said, line_of(run("sample", folder(**fields))))


def test_a_network_is_a_network(tmp_path):
    """What our own packages have beside networks is not called either."""
    flags = [DIGITS, f"--workdir={tmp_path}", "--config.net.name=genjax_models.core.trees.load_tree"]
    assert "is no network of flax.linen" in line_of(run("train", *flags))


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"{}", b'{"train": {', b"\xff\xfe", b'{"train": 3}'])
def test_a_damaged_config_of_a_run(tmp_path, content):
    (tmp_path / "config.json").write_bytes(content)
    assert str(tmp_path / "config.json") in line_of(run("sample", f"--workdir={tmp_path}"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """In a folder whose name has characters of file patterns."""
    workdir = tmp_path_factory.mktemp("run") / "lr[0.1] a*"
    done = run("train", CONDITIONAL, f"--workdir={workdir}")
    assert done.returncode == 0, done.stderr
    return workdir


@pytest.mark.slow
def test_a_folder_with_characters_of_patterns_is_a_folder(trained, tmp_path):
    done = run("sample", f"--workdir={trained}", "--num=4", f"--out={tmp_path / 'a.png'}")
    assert done.returncode == 0 and (tmp_path / "a.png").exists()


@pytest.mark.slow
def test_samples_that_are_not_finite_are_counted_and_not_written(trained, tmp_path):
    out = tmp_path / "a.png"
    line = line_of(run("sample", f"--workdir={trained}", "--num=8", f"--out={out}", "--guidance=1e38"))
    assert "8 of 8 samples (100%) are not finite" in line and not list(tmp_path.iterdir())
    flags = ["--config.sample.guidance=1e38", "--config.eval.rows=(('euler', 4),)"]
    done = run("evaluate", CONDITIONAL, f"--workdir={trained}", *flags)
    assert "are not finite" in line_of(done) and not (trained / "eval.json").exists()


@pytest.mark.slow
def test_a_second_run_in_a_folder_names_the_first(tmp_path):
    command = [
        sys.executable,
        "-m",
        "experiments.train",
        DIGITS,
        f"--workdir={tmp_path}",
        "--config.train.steps=100000",
    ]
    first = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        deadline = time.time() + 120
        while not (tmp_path / "metrics.jsonl").exists() and time.time() < deadline:
            time.sleep(0.2)
        line = line_of(run("train", DIGITS, f"--workdir={tmp_path}"))
        assert re.search(rf"is in use by process {first.pid} on .+: wait for it", line)
    finally:
        first.kill()
        first.wait()
    with locked(tmp_path):  # it died with its process
        pass


@pytest.mark.slow
def test_an_interruption_while_starting_is_one_line(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "experiments.train", DIGITS, f"--workdir={tmp_path}"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.time() + 120
    while not (tmp_path / ".lock").exists() and time.time() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 130 and "Traceback" not in stderr
    assert "interrupted" in stderr or "stopped after step" in stderr


def test_disabled_compilation_is_one_line(tmp_path):
    assert "unset JAX_DISABLE_JIT" in line_of(run("train", DIGITS, f"--workdir={tmp_path}", JAX_DISABLE_JIT="1"))


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--config.eval.features=digit"], "did you mean 'digits'"),
        (["--config.eval.features=fashion_mnist"], "measures images of (28, 28, 1), not (8, 8, 1)"),
        (["--config.eval.rows=(('heun', 5), ('eulr', 2))"], "did you mean 'euler'"),
        (["--config.eval.seed=4294967296"], "0 to 2**32 - 1"),
        (["--config.net.depth=-1"], "config.net.depth=-1 must not be negative"),
        (["--config.train.keep_best.count=1", "--config.train.keep_best.metric=lossy"], "'lossy' is never measured"),
    ],
)
def test_what_would_fail_after_training_is_refused_before(tmp_path, flags, said):
    done = run("train", DIGITS, f"--workdir={tmp_path}", *flags)
    assert said in line_of(done) and "step 1" not in done.stderr


def test_a_name_that_is_not_utf8(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "experiments.train", DIGITS, os.fsencode(f"--workdir={tmp_path}/w") + b"\xff"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    assert "is not UTF-8" in line_of(done)
