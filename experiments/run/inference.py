"""What a run is used with: its averaged parameters, finalized."""

from collections.abc import Callable, Mapping
from pathlib import Path

from ml_collections import ConfigDict

from genjax_models.core.types import PyTree
from genjax_models.training import Experiment, Inference, TrainState, parallel
from genjax_models.training.loop import load_state
from genjax_models.training.posthoc_ema import reconstruct


def averaged(state: TrainState, config: ConfigDict, workdir: Path | None = None) -> dict[str, PyTree]:
    """The parameters to sample with: their average where the run keeps one.

    A post-hoc average has the width `config.train.ema.sigma_rel`, whatever it was while training. Without the folder of
    the run it is made of the two current averages alone, which is quick and less exact.

    Raises:
      UserError: if that width is out of range, or a snapshot cannot be read.
    """
    if state.ema is None:
        return state.params
    section = config.train.ema
    return dict(reconstruct(state, section.sigma_rel, workdir)) if section.kind == "posthoc" else state.ema


def finalizing(experiment: Experiment) -> Callable[[Mapping[str, PyTree], PyTree], Inference]:
    """`Experiment.finalize`, compiled."""
    return parallel.compile_fn(experiment.finalize)


def finalized(experiment: Experiment, state: TrainState, config: ConfigDict, workdir: Path | None = None) -> Inference:
    """What a finished state is used with."""
    return finalizing(experiment)(averaged(state, config, workdir), state.extra)


def load(experiment: Experiment, config: ConfigDict, workdir: Path, *, step: int | None = None) -> Inference:
    """The same of the newest checkpoint of a run, or that of `step`.

    Raises:
      UserError: if there is no such checkpoint, or the folder belongs to another model.
    """
    return finalized(experiment, load_state(experiment, config, workdir, step=step), config, workdir)
