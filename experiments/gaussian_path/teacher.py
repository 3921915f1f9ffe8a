"""A trained model that another experiment learns from: trained first, where it is not there yet.

`config.teacher` is the teacher's whole config. Its run lies in `config.teacher_workdir`, or else in the folder
`teacher` of the student's run, where the student's command trains it.
"""

from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
from flax.traverse_util import flatten_dict, unflatten_dict
from ml_collections import ConfigDict

from experiments.run import command, inference
from experiments.run.training import train
from genjax_models.core.errors import UserError
from genjax_models.training import Inference, TrainState, parallel
from genjax_models.training.checkpoint import saved_steps
from genjax_models.training.settings import Open, Section, Setting
from genjax_models.training.state import with_params
from genjax_models.training.workdir import differing

FIELDS: Section = {
    "teacher": Open({}, "the teacher's whole config"),
    "teacher_workdir": Setting("", "of a run of `config.teacher`; by default it is trained in the folder `teacher`"),
}


def trained(config: ConfigDict, workdir: Path) -> Inference:
    """The teacher's variables after its last step, on the host.

    Args:
      config: the student's.
      workdir: the student's folder.

    Raises:
      UserError: if the teacher's folder belongs to another config, or `config.teacher_workdir` is given and its run has
        not come to the end.
    """
    folder, steps = Path(config.teacher_workdir or workdir / "teacher"), config.teacher.train.steps
    if parallel.any_process(steps not in saved_steps(folder / "checkpoints")):
        if config.teacher_workdir:
            raise UserError(f"{folder} holds no checkpoint of step {steps}: train the teacher to its end first")
        print(f"training the teacher first, in {folder}", flush=True)
        train(config.teacher, folder)
    differing(folder, config.teacher.to_dict())
    experiment = command.build_experiment(config.teacher)
    return parallel.to_host(inference.load(experiment, config.teacher, folder, step=steps))


def start_from(state: TrainState, teacher: Inference, *, new: tuple[str, ...] = ()) -> TrainState:
    """A student's initial state with the teacher's parameters as its own.

    Args:
      state: the student's.
      teacher: its variables.
      new: layers that the student has and the teacher has not; they stay as they were initialised.

    Raises:
      UserError: if the two networks differ otherwise.
    """
    ours, theirs = (flatten_dict(tree["model"]) for tree in (parallel.to_host(state.params), teacher.params))
    known = {path: value for path, value in ours.items() if not set(new) & set(path)}
    if jax.tree.map(jnp.shape, known) != jax.tree.map(jnp.shape, theirs):
        raise UserError("a student that starts from its teacher needs the same network: let config.net be teacher.net")
    state = with_params(state, {"model": unflatten_dict(ours | theirs)})
    return replace(state, extra=state.extra | {"collections": teacher.extra["collections"]})
