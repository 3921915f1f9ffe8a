"""Reflow: a flow trained anew on the pairs of noise and sample that a first flow, its teacher, makes."""

from functools import partial
from pathlib import Path

import jax
import numpy as np
from ml_collections import ConfigDict
from tqdm import tqdm

from experiments import choices, flow_matching, gaussian_path, teacher
from experiments.gaussian_path import Bound, Network
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key, LossOutput, PyTree
from genjax_models.data.arrays import ArrayDataset
from genjax_models.families.flow_matching import make_pairs, reflow_loss
from genjax_models.processes import Denoiser
from genjax_models.training import Experiment, TrainState, parallel
from genjax_models.training.names import pick
from genjax_models.training.workdir import writing


def get_config() -> ConfigDict:
    """2-rectified flow: straight lines between the pairs, starting from the teacher's parameters."""
    config = flow_matching.get_config()
    del config.coupling
    config.experiment = "experiments.reflow"
    config.teacher = flow_matching.get_config()
    config.teacher_workdir = ""  # of a run of `config.teacher`; by default it is trained in the folder `teacher`
    config.pairs = {"num": 10_000, "batch": 250, "sampler": "heun", "steps": 20}
    return config


def build(config: ConfigDict) -> Experiment:
    """Bind the config's network to the reflow loss.

    Raises:
      UserError: if a name is unknown, or the model is class-conditional: pairs carry no label.
    """
    if config.conditional:
        raise UserError("reflow is unconditional: set config.conditional=False")
    process = choices.make_process(config)
    time = choices.make_time(config, process)

    def denoiser(params: PyTree, net: Network) -> Denoiser:
        return Denoiser(process, net(params), config.prediction)

    def loss(key: Key, bound: Bound, pairs: Array) -> LossOutput:
        x, eps = pairs[:, 0], pairs[:, 1]
        return reflow_loss(key, bound.net(bound.params), (x, eps), prediction=config.prediction, time=time)

    def warm_start(state: TrainState, workdir: Path) -> TrainState:
        return teacher.start_from(state, teacher.trained(config, workdir))

    experiment = gaussian_path.build(config, loss, denoiser, likelihood=gaussian_path.ode_likelihood(config))
    return experiment._replace(validate=None, training_set=partial(pairs_of_teacher, config), warm_start=warm_start)


def pairs_of_teacher(config: ConfigDict, workdir: Path) -> ArrayDataset:
    """Samples of the teacher, each with its noise: `x` is `[N, 2, ...]` float32. Kept in the folder as `pairs.npy`."""
    path, settings = workdir / "pairs.npy", config.pairs
    if not path.exists():
        params, flow = teacher.trained(config, workdir), teacher.experiment_of(config)
        sampler = pick("pairs.sampler", settings.sampler, choices.SAMPLERS)()

        def call(key: Key, params: PyTree) -> tuple[Array, Array]:
            assert flow.denoiser is not None
            denoiser = flow.denoiser(params)
            grid = choices.make_grid(config.teacher, denoiser.process, settings.steps)
            return make_pairs(key, denoiser, (settings.batch, *config.data.shape), grid, sampler)

        make = parallel.compile_fn(call)
        keys = jax.random.split(jax.random.key(config.train.seed), -(-settings.num // settings.batch))
        calls = [np.stack(make(key, params), axis=1) for key in tqdm(keys, desc="pairs", leave=False, disable=None)]
        with writing(workdir):
            workdir.mkdir(parents=True, exist_ok=True)
            partial_file = path.with_suffix(".partial.npy")
            np.save(partial_file, np.concatenate(calls)[: settings.num])
            partial_file.replace(path)
    x = np.load(path, allow_pickle=False)
    return ArrayDataset("pairs", "train", x, np.zeros(len(x), np.int32), 0)
