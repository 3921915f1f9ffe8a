"""Training of what a config describes, with previews, in a process that is set up."""

import time
from collections.abc import Callable
from pathlib import Path

import jax
from ml_collections import ConfigDict

from experiments.run import command
from experiments.run.sampling import averaged, settling
from genjax_models.core.errors import UserError
from genjax_models.data import batches, load
from genjax_models.data.arrays import ArrayDataset
from genjax_models.modalities.image import to_uint8
from genjax_models.report import save_curves, save_grid, save_points
from genjax_models.training import parallel
from genjax_models.training.checkpoint import saved_steps
from genjax_models.training.experiment import Experiment
from genjax_models.training.logging import RunLog
from genjax_models.training.loop import Hook, fit
from genjax_models.training.state import TrainState
from genjax_models.training.tasks import capability
from genjax_models.training.workdir import claim

PREVIEW = 64
"""Images of a preview grid."""

POINTS = 2_000
"""Points of a preview of data in the plane."""


def train(config: ConfigDict, workdir: Path) -> None:
    """Train, or go on training, until `config.train.steps`."""
    experiment = command.build_experiment(config)
    if experiment.training_set:
        claim(workdir, config.to_dict(), started=bool(saved_steps(workdir / "checkpoints")))
        dataset = experiment.training_set(workdir)
    else:
        dataset = checked_data(config)
    data = batches(
        dataset,
        config.train.batch_size,
        seed=config.train.seed,
        process_index=jax.process_index(),
        process_count=jax.process_count(),
    )
    shown = experiment.sample is not None and tuple(config.data.shape) != (1,)  # a picture wants two numbers
    hooks = [Hook(config.train.sample_every, preview(experiment, config, workdir))] if shown else []
    start = time.perf_counter()
    fit(experiment, config, workdir, data, hooks=hooks)
    if jax.process_index() == 0:
        save_curves(workdir / "metrics.jsonl", workdir / "curves.png")
        seconds = time.perf_counter() - start
        print(f"trained to step {config.train.steps} in {seconds:.0f} s; curves: {workdir / 'curves.png'}", flush=True)


def checked_data(config: ConfigDict) -> ArrayDataset:
    """The training split of `config.data`.

    Raises:
      UserError: if its images or classes are not those that the config says.
    """
    dataset = load(config.data.name, "train")
    if dataset.x.shape[1:] != tuple(config.data.shape) or dataset.num_classes != config.data.num_classes:
        raise UserError(
            f"data set {dataset.name} holds {dataset.num_classes} classes of shape {dataset.x.shape[1:]}, but "
            f"config.data says {config.data.num_classes} of {tuple(config.data.shape)}: correct it"
        )
    return dataset


def preview(experiment: Experiment, config: ConfigDict, workdir: Path) -> Callable[[int, TrainState, RunLog], None]:
    """A hook that draws the same noise again and again, with the averaged parameters, into `samples/step_*.png`.

    Images become a grid; vectors the cloud of their first two numbers.
    """
    sampler, images = capability(experiment, "sample"), len(config.data.shape) == 3
    settle = settling(experiment)
    if images:
        draw = parallel.compile_fn(lambda key, params: to_uint8(sampler(key, params, PREVIEW)))
    else:
        draw = parallel.compile_fn(lambda key, params: sampler(key, params, POINTS))

    def run(step: int, state: TrainState, log: RunLog) -> None:
        params = settle(averaged(state, config), state.extra)
        drawn = parallel.to_host(draw(jax.random.key(0), params))
        if jax.process_index() == 0:
            path = workdir / "samples" / f"step_{step:06d}.png"
            if images:
                save_grid(drawn, path)
                log.images("samples", step, drawn)
            else:
                save_points({f"step {step}": drawn[:, :2]}, path)

    return run
