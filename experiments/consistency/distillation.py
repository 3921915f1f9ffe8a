"""Consistency distillation: a model that jumps along the paths of a trained diffusion model."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import jax
from ml_collections import ConfigDict

from experiments import diffusion
from experiments.config import sections
from experiments.consistency import training
from experiments.gaussian_path import Bound, teacher
from experiments.run import command
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Condition, Key, LossOutput, PyTree
from genjax_models.families.consistency import Solver, consistency_distillation_loss, ddim_step, heun_step
from genjax_models.processes import Denoiser, GaussianProcess
from genjax_models.training import Experiment, Inference, TrainState
from genjax_models.training.names import pick
from genjax_models.training.settings import Section, Setting, defaults

SOLVERS: dict[str, Solver] = {"ddim": ddim_step, "heun": heun_step}


TASKS: tuple[str, ...] = ("sample",)
"""What it can do, see `experiments.run.tasks`."""

FIELDS: Section = {
    **training.FIELDS,
    **sections.experiment("experiments.consistency.distillation"),
    **teacher.FIELDS,
    "solver": Setting("heun", "of one step of the teacher: ddim or heun"),
}


def get_config() -> ConfigDict:
    """18 noise levels, Heun's steps of the teacher, squared distance to an average of the model."""
    config = training.get_config()
    config.update(defaults({name: FIELDS[name] for name in ("experiment", "solver", *teacher.FIELDS)}))
    config.intervals = {"first": 17, "last": 17}
    config.update({"metric": "l2", "gap": "equal", "position": "uniform", "target_decay": 0.95})
    config.teacher = diffusion.edm_config()
    return config


class Teaching(NamedTuple):
    """What a student's loss sees beside the batch.

    Attributes:
      process: the one that student and teacher share.
      solver: of one step of the teacher.
      teacher: `cond -> Denoiser`, the teacher bound to a condition, or to none.
    """

    process: GaussianProcess
    solver: Solver
    teacher: Callable[[Condition | None], Denoiser]


def build(config: ConfigDict) -> Experiment:
    """Bind the config's network, which starts as the teacher's, to the distillation loss.

    Raises:
      UserError: see `distil`.
    """

    def loss(key: Key, bound: Bound, x: Array, teaching: Teaching) -> LossOutput:
        terms = training.terms(config, teaching.process, bound)
        return consistency_distillation_loss(
            key, x=x, teacher=teaching.teacher(bound.cond), solver=teaching.solver, **terms
        )

    return distil(config, loss)


def distil(
    config: ConfigDict, loss: Callable[[Key, Bound, Array, Teaching], LossOutput], numbers: tuple[str, ...] = ()
) -> Experiment:
    """A student on its teacher's paths; it alone is conditioned on `numbers`, see `gaussian_path.build`.

    Raises:
      UserError: if a name is unknown, or the teacher lives on another process or scales the data otherwise.
    """
    for field in ("process", "process_options", "sigma_data"):
        if config[field] != config.teacher.get(field):
            raise UserError(f"student and teacher share {field}: set config.{field} to {config.teacher.get(field)}")
    process, solver = training.make_process(config), pick("solver", config.solver, SOLVERS)
    master = command.build_experiment(config.teacher)

    def objective(key: Key, bound: Bound, x: Array) -> LossOutput:
        assert master.denoiser is not None
        known = bound.extra["teacher"]
        variables = Inference({"model": known["params"]}, {"collections": known["collections"]})
        return loss(key, bound, x, Teaching(process, solver, partial(master.denoiser, variables)))

    def warm_start(state: TrainState, workdir: Path) -> TrainState:
        trained = teacher.trained(config, workdir)
        state = teacher.start_from(state, trained, new=numbers)
        known = {"params": trained.params["model"], "collections": trained.extra["collections"]}
        target = {"target": state.params["model"]} if "target" in state.extra else {}
        return replace(state, extra=state.extra | {"teacher": known} | target)

    def untrained() -> PyTree:
        params, extra = master.init(jax.random.key(0))
        return {"teacher": {"params": params["model"], "collections": extra["collections"]}}

    return training.build_student(config, process, objective, untrained, numbers)._replace(warm_start=warm_start)
