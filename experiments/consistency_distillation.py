"""Consistency distillation: a model that jumps along the paths of a trained diffusion model."""

from dataclasses import replace
from pathlib import Path

import jax
from ml_collections import ConfigDict

from experiments import command, consistency, diffusion
from experiments.parts import teacher
from experiments.parts.gaussian_path import Bound
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key, LossOutput
from genjax_models.families.consistency import consistency_distillation_loss, ddim_step, heun_step
from genjax_models.training import Experiment, TrainState
from genjax_models.training.names import pick

SOLVERS = {"ddim": ddim_step, "heun": heun_step}


def get_config() -> ConfigDict:
    """18 noise levels, Heun's steps of the teacher, squared distance to an average of the model."""
    config = consistency.get_config()
    config.experiment = "experiments.consistency_distillation"
    config.intervals = {"first": 17, "last": 17}
    config.update({"metric": "l2", "gap": "equal", "position": "uniform", "target_decay": 0.95})
    config.solver = "heun"  # of one step of the teacher
    config.teacher = diffusion.edm_config()
    config.teacher_workdir = ""  # of a run of `config.teacher`; by default it is trained in the folder `teacher`
    return config


def build(config: ConfigDict) -> Experiment:
    """Bind the config's network, which starts as the teacher's, to the distillation loss.

    Raises:
      UserError: if a name is unknown, or the teacher lives on another process or scales the data otherwise.
    """
    for field in ("process", "process_options", "sigma_data"):
        if config[field] != config.teacher.get(field):
            raise UserError(f"student and teacher share {field}: set config.{field} to {config.teacher.get(field)}")
    process, solver = consistency.make_process(config), pick("solver", config.solver, SOLVERS)
    master = command.build_experiment(config.teacher)

    def loss(key: Key, bound: Bound, x: Array) -> LossOutput:
        assert master.denoiser is not None
        denoiser = master.denoiser({"model": bound.extra["teacher"]}, bound.label)
        return consistency_distillation_loss(
            key, x=x, teacher=denoiser, solver=solver, **consistency.terms(config, process, bound)
        )

    def warm_start(state: TrainState, workdir: Path) -> TrainState:
        params = teacher.trained(config, workdir)
        known = {name: params["model"] for name in ("teacher", "target") if name in state.extra}
        return replace(teacher.start_from(state, params), extra=known)

    untrained = lambda: {"teacher": master.init(jax.random.key(0))[0]["model"]}
    return consistency.build_student(config, process, loss, untrained)._replace(warm_start=warm_start)
