"""Training of what a config describes, with previews, in a process that is set up."""

import time
from collections.abc import Callable
from pathlib import Path

import jax
from ml_collections import ConfigDict

from experiments.config.data import dataset_of
from experiments.run import command
from experiments.run.inference import averaged, finalizing
from experiments.run.rehearsal import rehearse
from experiments.run.sampling import sampler
from genjax_models.data import batches
from genjax_models.modalities import modality_of
from genjax_models.report import save_curves
from genjax_models.training import Experiment, SampleRequest, TrainState
from genjax_models.training.checkpoint import saved_steps
from genjax_models.training.logging import RunLog
from genjax_models.training.loop import Hook, fit
from genjax_models.training.workdir import claim, whole


def train(config: ConfigDict, workdir: Path) -> None:
    """Train, or go on training, until `config.train.steps`."""
    experiment = command.build_experiment(config)
    if experiment.training_set:
        claim(workdir, config.to_dict(), started=bool(saved_steps(workdir / "checkpoints")))
        dataset = experiment.training_set(workdir)
    else:
        dataset = dataset_of(config, "train")
    rehearse(experiment, config, dataset)
    data = batches(
        dataset,
        config.train.batch_size,
        seed=config.train.seed,
        process_index=jax.process_index(),
        process_count=jax.process_count(),
    )
    modality, field = modality_of(experiment.spec), experiment.spec.field
    shown = experiment.sample is not None and modality.preview(field) != ".npz"
    hooks = [Hook(config.train.sample_every, preview(experiment, config, workdir))] if shown else []
    start = time.perf_counter()
    fit(experiment, config, workdir, data, hooks=hooks)
    if jax.process_index() == 0:
        save_curves(workdir / "metrics.jsonl", workdir / "curves.png")
        seconds = time.perf_counter() - start
        print(f"trained to step {config.train.steps} in {seconds:.0f} s; curves: {workdir / 'curves.png'}", flush=True)


def preview(experiment: Experiment, config: ConfigDict, workdir: Path) -> Callable[[int, TrainState, RunLog], None]:
    """A hook that samples from the same noise again and again, with the averaged parameters, into `samples/step_*`."""
    draw, finalize = sampler(experiment), finalizing(experiment)
    modality, field = modality_of(experiment.spec), experiment.spec.field
    request = SampleRequest(modality.preview_num)

    def run(step: int, state: TrainState, log: RunLog) -> None:
        model = finalize(averaged(state, config), state.extra)
        drawn = draw(jax.random.key(0), model, request)
        if jax.process_index() == 0:
            path = workdir / "samples" / f"step_{step:06d}{modality.preview(field)}"
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole(path) as partial:
                modality.writer(path, field)(drawn, partial, field)
            if field.kind == "image":
                log.images("samples", step, drawn)

    return run
