"""Experiments that learn from another one: the teacher is trained first, once, and the student starts from it."""

import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from flax.traverse_util import flatten_dict, unflatten_dict

from experiments.flow_matching import reflow
from experiments.gaussian_path.teacher import trained
from experiments.run.command import build_experiment
from experiments.run.inference import load as load_model
from genjax_models.core.errors import UserError
from genjax_models.families.flow_matching import heun
from genjax_models.solvers import sample, uniform_grid
from genjax_models.training import Inference, SampleRequest
from genjax_models.training.loop import load_state

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


def train(config: str, workdir: Path, *flags: str) -> str:
    arguments = [sys.executable, "-m", "experiments.train", f"--config={config}:smoke", f"--workdir={workdir}", *flags]
    return subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True).stdout


def test_distillation_trains_its_teacher_and_starts_from_it(tmp_path):
    from configs.consistency.song2023_distillation_digits import get_config  # noqa: PLC0415
    from experiments.consistency.distillation import build  # noqa: PLC0415

    path, config = "configs/consistency/song2023_distillation_digits.py", get_config("smoke")
    still = ("--config.train.optimizer.learning_rate=0.0",)
    assert "training the teacher first" in train(path, tmp_path / "first", *still)
    folder = tmp_path / "first" / "teacher"
    teacher = load_model(build_experiment(config.teacher), config.teacher, folder)
    teachers = teacher.params["model"]
    student = load_state(build(config), config, tmp_path / "first")
    for tree in (
        student.params["model"],
        student.ema["model"],
        student.extra["target"],
        student.extra["teacher"]["params"],
    ):
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), tree, teachers)
    said = train(path, tmp_path / "second", *still, f"--config.teacher_workdir={folder}")
    assert "teacher" not in said
    assert not (tmp_path / "second" / "teacher").exists()

    config.teacher.weighting = "unweighted"
    config.teacher_workdir = str(folder)
    with pytest.raises(UserError, match="belongs to another config: weighting"):
        trained(config, tmp_path / "third")


def test_a_latent_consistency_model_starts_as_its_teacher_and_samples_at_a_scale(tmp_path):
    from configs.consistency.luo2023_digits import get_config  # noqa: PLC0415

    train("configs/consistency/luo2023_digits.py", tmp_path, "--config.train.optimizer.learning_rate=0.0")
    config = get_config("smoke")
    experiment, teacher = build_experiment(config), build_experiment(config.teacher)
    student = load_model(experiment, config, tmp_path)
    teachers = load_model(teacher, config.teacher, tmp_path / "teacher")
    scale = {path: value for path, value in flatten_dict(student.params["model"]).items() if "guidance" in path}
    assert [float(abs(value).max()) for value in scale.values()] == [0.0]
    assert flatten_dict(student.params["model"]).keys() - scale.keys() == flatten_dict(teachers.params["model"]).keys()
    for path, value in flatten_dict(teachers.params["model"]).items():
        np.testing.assert_allclose(flatten_dict(student.params["model"])[path], value, rtol=1e-6)

    # Once these layers are not zero, the scale of a call matters.
    path = next(iter(scale))
    params = {
        "model": unflatten_dict(
            flatten_dict(student.params["model"])
            | {path: np.random.default_rng(0).normal(size=scale[path].shape).astype(np.float32)}
        )
    }
    sampler, model = jax.jit(experiment.sample), Inference(params, student.extra)
    draw = lambda guidance: sampler(jax.random.key(0), model, SampleRequest(4, guidance=guidance))
    one, other = draw(1.0), draw(3.0)
    assert float(abs(one - other).max()) > 1e-3  # of a network that was trained for twenty steps
    with pytest.raises(UserError, match="was never trained"):
        draw(6.0)


def test_reflow_makes_its_pairs_once_and_they_are_the_teachers(tmp_path):
    from configs.flow_matching.liu2023_digits import get_config  # noqa: PLC0415

    path, config = "configs/flow_matching/liu2023_digits.py", get_config("smoke")
    train(path, tmp_path)
    (pairs,) = tmp_path.glob("pairs_*.npz")
    made = pairs.stat().st_mtime_ns
    train(path, tmp_path, "--config.train.steps=24")
    assert pairs.stat().st_mtime_ns == made
    x, eps = np.moveaxis(reflow.pairs_of_teacher(config, tmp_path).x, 1, 0)
    assert x.shape == (64, 8, 8, 1)
    assert abs(eps.std() - 1.0) < 0.05
    flow = build_experiment(config.teacher)
    model = load_model(flow, config.teacher, tmp_path / "teacher")
    grid = uniform_grid(config.pairs.steps)
    follow = jax.jit(lambda eps: sample(jax.random.key(0), flow.denoiser(model), eps, grid, heun()))
    np.testing.assert_allclose(x, follow(eps), atol=1e-4)
