"""The smallest experiment that uses everything: a stochastic objective, Adam, an average, extra state, real batches.

As a script it runs `fit`, so that tests can kill it: `python tiny.py WORKDIR name=<JSON> ...`.
"""

import json
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from genjax_models.core.types import LossOutput
from genjax_models.data.arrays import ArrayDataset
from genjax_models.data.pipeline import batches
from genjax_models.data.spec import of_vectors
from genjax_models.training import Experiment, Player, make_optimizer, training_config
from genjax_models.training.loop import fit

SPEC = of_vectors("tiny", 4)


def make_config(**train):
    """A config whose section `train` differs from the default in the given (dotted) fields."""
    config = ConfigDict({"experiment": "tiny", "train": training_config()})
    defaults = {"steps": 20, "batch_size": 8, "log_every": 1, "checkpoint_every": 4, "ema.kind": "constant"}
    config.update_from_flattened_dict({f"train.{k}": v for k, v in {**defaults, **train}.items()})
    return config.lock()


def denoise(key, params, extra, batch, step):
    """A two-layer denoiser of 4-vectors; `extra` counts the examples it has seen and tracks their mean."""
    p, x = params["model"], batch["x"]
    noise = jax.random.normal(key, x.shape)
    hidden = jnp.tanh((x + noise) @ p["in"]["kernel"] + p["in"]["bias"][None])
    error = jnp.square(hidden @ p["out"]["kernel"] - x).mean(-1)
    extra = {"seen": extra["seen"] + len(x), "mean": 0.9 * extra["mean"] + 0.1 * x.mean(0)}
    return LossOutput(error, {"half": error / 2}), extra


def init(key):
    k_in, k_out = jax.random.split(key)
    params = {
        "in": {"kernel": jax.random.normal(k_in, (4, 64)), "bias": jnp.zeros(64)},
        "out": {"kernel": jax.random.normal(k_out, (64, 4)) / 8},
    }
    return {"model": params}, {"seen": jnp.zeros((), jnp.int32), "mean": jnp.zeros(4)}


def make_experiment(config, objective=denoise):
    tx = make_optimizer(config.train.optimizer, config.train.steps)
    return Experiment(SPEC, init, (Player("model", objective, tx),))


def make_data(config, **shares):
    x = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    dataset = ArrayDataset(SPEC, "train", {"x": x})
    return batches(dataset, config.train.batch_size, seed=config.train.seed, **shares)


def settings_of(arguments):
    """`name=<JSON>` each, as a dictionary."""
    pairs = (argument.split("=", 1) for argument in arguments)
    return {name: json.loads(value) for name, value in pairs}


def main(workdir, *arguments):
    config = make_config(**settings_of(arguments))
    fit(make_experiment(config), config, Path(workdir), make_data(config))


if __name__ == "__main__":
    jax.config.update("jax_num_cpu_devices", 1)
    main(*sys.argv[1:])
