"""Reflow: a flow trained anew on the pairs of noise and sample that a first flow, its teacher, makes."""

import hashlib
import json
import zipfile
import zlib
from functools import partial
from pathlib import Path

import jax
import numpy as np
from ml_collections import ConfigDict
from tqdm import tqdm

from experiments import gaussian_path
from experiments.config import sections
from experiments.config.data import spec_of
from experiments.flow_matching import conditional
from experiments.gaussian_path import Bound, Network, registry, teacher
from experiments.run import command
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key, LossOutput, PyTree
from genjax_models.data.arrays import ArrayDataset
from genjax_models.data.spec import DataSpec
from genjax_models.families.flow_matching import make_pairs, reflow_loss
from genjax_models.processes import Denoiser, rectified_flow
from genjax_models.training import Experiment, Inference, TrainState, parallel
from genjax_models.training.names import pick
from genjax_models.training.settings import Section, Setting, at_least, defaults, without
from genjax_models.training.workdir import whole, writing

TASKS: tuple[str, ...] = ("sample", "log_prob", "encode", "decode")
"""What it can do, see `experiments.run.tasks`."""

FIELDS: Section = {
    **without(conditional.FIELDS, "coupling", "process", "process_options"),  # pairs lie on straight lines
    **sections.experiment("experiments.flow_matching.reflow"),
    **teacher.FIELDS,
    "pairs": {
        "num": Setting(10_000, "pairs of noise and sample that the teacher makes", at_least(1), smoke=64),
        "batch": Setting(250, "pairs a compiled call", at_least(1), smoke=64),
        "sampler": Setting("heun", "of the teacher; deterministic"),
        "steps": Setting(20, "of that sampler", at_least(1), smoke=4),
    },
}


def get_config() -> ConfigDict:
    """2-rectified flow: straight lines between the pairs, starting from the teacher's parameters."""
    config = defaults(FIELDS)
    config.eval.rows = conditional.get_config().eval.rows
    config.teacher = conditional.get_config()
    return config


def build(config: ConfigDict) -> Experiment:
    """Bind the config's network to the reflow loss.

    Raises:
      UserError: if a name is unknown, or pairs are to be what they cannot be: labelled, flipped or dequantised.
    """
    if config.condition or config.train.flip or config.train.dequantize:
        raise UserError(
            "pairs are as the teacher made them: set condition to (), train.flip and train.dequantize to False"
        )
    process, pairs = rectified_flow(), config.pairs
    registry.check_sampling(config, process)
    if pick("pairs.sampler", pairs.sampler, registry.SAMPLERS)().stochastic:
        raise UserError(f"pairs.sampler={pairs.sampler} forgets which noise a sample came from: choose an ODE's")
    if "process" in config.teacher:  # else it is learned
        teachers = registry.make_process(config.teacher)
        registry.sampling_grid(config.teacher, teachers, pairs.sampler, pairs.steps)
    time = registry.make_time(config, process)

    def denoiser(params: PyTree, net: Network) -> Denoiser:
        return Denoiser(process, net(params), config.prediction)

    def loss(key: Key, bound: Bound, pairs: Array) -> LossOutput:
        x, eps = pairs[:, 0], pairs[:, 1]
        return reflow_loss(key, bound.net(bound.params), (x, eps), prediction=config.prediction, time=time)

    def warm_start(state: TrainState, workdir: Path) -> TrainState:
        return teacher.start_from(state, teacher.trained(config, workdir))

    experiment = gaussian_path.build(
        config, process, loss, denoiser, likelihood=gaussian_path.ode_likelihood(config, process)
    )
    return experiment._replace(validate=None, training_set=partial(pairs_of_teacher, config), warm_start=warm_start)


def pairs_of_teacher(config: ConfigDict, workdir: Path) -> ArrayDataset:
    """Samples of the teacher, each with its noise: `x` is `[N, 2, ...]` float32; kept in the run's folder."""
    settings = json.dumps([config.teacher.to_dict(), config.pairs.to_dict()], sort_keys=True)
    path = workdir / f"pairs_{hashlib.sha256(settings.encode()).hexdigest()[:8]}.npz"
    if parallel.any_process(not path.exists()):
        x = make_all(config, workdir)
        if jax.process_index() == 0:
            with writing(workdir):
                workdir.mkdir(parents=True, exist_ok=True)
                with whole(path) as unfinished:
                    np.savez(unfinished, x=x)
    else:
        x = read_pairs(path)
    spec = spec_of(config)
    pair = spec.field._replace(shape=x.shape[1:], dtype="float32")
    return ArrayDataset(DataSpec(f"pairs of {spec.name}", {"x": pair}), "train", {"x": x})


def read_pairs(path: Path) -> np.ndarray:
    """The pairs `[N, 2, ...]` of a file, which has check sums.

    Raises:
      UserError: if it was damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return arrays["x"]
    except (OSError, ValueError, LookupError, zipfile.BadZipFile, zlib.error):
        raise UserError(f"{path} is damaged: delete it, and the same command makes the pairs again") from None


def make_all(config: ConfigDict, workdir: Path) -> np.ndarray:
    """The pairs `[N, 2, ...]`, by calls of one compiled size; the same in every process."""
    trained, flow, settings = teacher.trained(config, workdir), command.build_experiment(config.teacher), config.pairs
    sampler = pick("pairs.sampler", settings.sampler, registry.SAMPLERS)()

    def call(key: Key, model: Inference) -> tuple[Array, Array]:
        assert flow.denoiser is not None
        shape = (settings.batch, *flow.spec.shape)
        denoiser = flow.denoiser(model)
        grid = registry.make_grid(config.teacher, denoiser.process, settings.steps)
        return make_pairs(key, denoiser, shape, grid, sampler)

    make = parallel.compile_fn(call)
    keys = jax.random.split(jax.random.key(config.train.seed), -(-settings.num // settings.batch))
    calls = [np.stack(make(key, trained), axis=1) for key in tqdm(keys, desc="pairs", leave=False, disable=None)]
    return np.concatenate(calls)[: settings.num]
