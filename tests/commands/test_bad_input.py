"""What a person gets for a mistake at the keyboard: one line that says what to do, exit status 2, and nothing lost."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import grain  # noqa: F401  its flags must be there before they are saved
import pytest
from absl import flags
from absl.testing import flagsaver

from experiments.run import command as shell
from genjax_models.training import parallel

ROOT = Path(__file__).parents[2]
COMMANDS = {f"experiments.{path.stem}" for path in (ROOT / "experiments").glob("*.py")}
DIGITS = "--config=configs/flow_matching/lipman2023_digits.py:smoke"


def run(command: str, *flags: str) -> subprocess.CompletedProcess:
    """The command as a person runs it."""
    arguments = [sys.executable, "-m", f"experiments.{command}", *flags]
    return subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


def forget_commands() -> None:
    """Remove the flags of all commands: a process has one set of flags, and two commands may name one alike."""
    for module, defined in flags.FLAGS.flags_by_module_dict().items():
        for flag in list(defined) if module in COMMANDS else ():  # deleting changes the list
            if flag.name in flags.FLAGS:
                delattr(flags.FLAGS, flag.name)


@pytest.fixture
def refused(monkeypatch, capsys):
    """Runs a command that is to be refused, within this process, and returns the single line that it says."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(shell, "tune_allocator", lambda: True)
    monkeypatch.setattr(parallel, "enable_compilation_cache", lambda: None)

    def refusal(command: str, *arguments: str) -> str:
        forget_commands()
        monkeypatch.delitem(sys.modules, f"experiments.{command}", raising=False)
        main = importlib.import_module(f"experiments.{command}").main
        monkeypatch.setattr(sys, "argv", [command, *arguments])
        with flagsaver.flagsaver(), pytest.raises(SystemExit) as stop:
            shell.run(main)
        said = capsys.readouterr().err
        lines = [line for line in said.splitlines() if line.startswith("error: ")]
        assert stop.value.code == 2, said
        assert len(lines) == 1
        assert "Traceback" not in said
        return lines[0]

    return refusal


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    workdir = tmp_path_factory.mktemp("run")
    result = run("train", DIGITS, f"--workdir={workdir}")
    assert result.returncode == 0, result.stderr
    return workdir


@pytest.mark.parametrize(
    ("command", "flags", "said"),
    [
        ("train", [DIGITS, "--config.train.stesp=3"], 'Did you mean "steps" instead of "stesp"?'),
        ("train", [DIGITS, "--config.train.steps=many"], "many"),
        ("train", ["--config=configs/nowhere.py"], "configs/nowhere.py"),
        ("train", ["--config=configs/flow_matching/lipman2023_digits.py:smok"], "choose among conditional, smoke"),
        ("train", [], "add --config="),
        ("train", [DIGITS], "add --workdir="),
        ("train", [DIGITS, "--workdir=W", "stray"], "unexpected argument 'stray'"),
        ("train", [DIGITS, "--workdir=W", "--config.data.name=celebrity"], "celebrity"),
        ("train", [DIGITS, "--workdir=W", "--config.data.num_classes=7"], "there is no config field 'num_classes'"),
        (
            "train",
            [DIGITS, "--workdir=W", "--config.condition=('colour',)"],
            "no field 'colour' to condition on. Its fields are: label",
        ),
        ("train", [DIGITS, "--workdir=W", "--config.process=ddmp"], "did you mean 'ddpm'"),
        ("train", [DIGITS, "--workdir=W", "--config.net.name=genjax_models.nets.DTI"], "cannot build config.net"),
        ("train", [DIGITS, "--workdir=W", "--config.train.batch_size=15"], "nearest size that fits is 16"),
        ("train", ["--config=configs/flow_matching/tong2023_toy.py", "--workdir=W"], "python -m experiments.toy_paths"),
        ("translate", [DIGITS, "--workdir=W"], "does not translate images"),
        ("evaluate", [DIGITS, "--workdir=W"], "holds no checkpoint"),
        ("sample", [DIGITS, "--workdir=W", "--num=0"], "--num=0: 0 is not a positive integer"),
        ("sample", [DIGITS, "--workdir=W", "--out=x.bmp"], "are written to .png, .npz, .gif"),
    ],
)
def test_mistakes_before_the_first_step(tmp_path, refused, command, flags, said):
    flags = [flag.replace("--workdir=W", f"--workdir={tmp_path / 'run'}") for flag in flags]
    assert said in refused(command, *flags)
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_a_folder_of_another_config_is_left_alone(trained, refused):
    before = (trained / "config.json").read_text(), (trained / "metrics.jsonl").read_text()
    line = refused("train", DIGITS, f"--workdir={trained}", "--config.train.optimizer.learning_rate=0.5")
    assert "belongs to another config" in line
    assert "train.optimizer.learning_rate" in line
    assert ((trained / "config.json").read_text(), (trained / "metrics.jsonl").read_text()) == before


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--sampler=heunn"], "did you mean 'heun'"),
        (["--guidance=3"], "guidance needs a conditional model"),
        (["--label=3"], "not trained with a condition 'label'"),
        (["--cond.label=3"], "not trained with a condition 'label'"),
        (["--guidance=text=4"], "guidance needs a conditional model"),
        (["--guidance=text=much"], "neither a number nor of the form text=4,label=1.5"),
        (["--steps=0"], "--steps=0: 0 is not a positive integer"),
    ],
)
def test_sampling_mistakes(trained, refused, flags, said):
    assert said in refused("sample", f"--workdir={trained}", *flags)


def test_evaluation_with_weights_that_cannot_be_read(trained, refused, tmp_path):
    (tmp_path / "broken.pth").write_bytes(b"not a network")
    flags = ["--config.eval.features=inception_v3", f"--weights={tmp_path / 'broken.pth'}"]
    assert "broken.pth" in refused("evaluate", DIGITS, f"--workdir={trained}", *flags)


def test_evaluation_of_zero_samples(trained, refused):
    assert "at least 1" in refused("evaluate", DIGITS, f"--workdir={trained}", "--config.eval.num=0")


def test_an_update_that_is_not_finite_stops_the_run_and_names_the_step(tmp_path, refused):
    flags = ["--config.train.optimizer.learning_rate=1e38", "--config.train.optimizer.clip_norm=0.0"]
    line = refused("train", DIGITS, f"--workdir={tmp_path}", *flags)
    assert "update is not finite at step 1" in line
    assert any((tmp_path / "checkpoints").iterdir())


@pytest.mark.slow
def test_the_same_command_goes_on_and_sampling_and_evaluation_work(trained):
    """The happy path, on the run that all the mistakes above have left intact."""
    more = run("train", DIGITS, f"--workdir={trained}", "--config.train.steps=24")
    assert more.returncode == 0, more.stderr
    steps = [json.loads(line)["step"] for line in (trained / "metrics.jsonl").read_text().splitlines()]
    assert steps == sorted(set(steps))
    assert steps[-1] == 24
    assert (trained / "curves.png").exists()
    for out in ("a.png", "a.gif", "a.npz"):
        drawn = run(
            "sample", f"--workdir={trained}", "--num=4", f"--out={trained / out}", "--sampler=ddim", "--steps=3"
        )
        assert drawn.returncode == 0, drawn.stderr
        assert (trained / out).stat().st_size > 0
    measured = run("evaluate", f"--workdir={trained}")
    assert measured.returncode == 0, measured.stderr
    assert {"held_out", "samples", "step"} <= json.loads((trained / "eval.json").read_text()).keys()
