"""Scores and likelihoods of held-out data, for `evaluate` and `export`."""

import math
from collections import defaultdict

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict
from tqdm import tqdm

from experiments.config.data import dataset_of
from experiments.run.tasks import capability
from genjax_models.core.likelihood import bits_per_dim
from genjax_models.data import ArrayDataset, epoch
from genjax_models.data.spec import DataSpec
from genjax_models.modalities import modality_of
from genjax_models.training import Experiment, Inference, parallel

BATCH = 500
"""Test examples at once."""


def test_scores(experiment: Experiment, model: Inference, config: ConfigDict) -> tuple[dict[str, float], int]:
    """The mean of each score of `experiment.validate` over the test split of the config's data set, and its size.

    An experiment with a `test_set` of its own is given that.
    """
    if experiment.validate is None:
        return {}, 0
    validate = parallel.compile_fn(experiment.validate)
    dataset = experiment.test_set() if experiment.test_set else dataset_of(config, "test")
    values = defaultdict(list)
    for number, batch in enumerate(epoch(dataset, BATCH)):
        key = jax.random.fold_in(jax.random.key(0), number)
        for score, value in validate(key, model, batch).items():
            values[score].append(np.asarray(value))
    return {score: float(np.concatenate(parts).mean()) for score, parts in values.items()}, dataset.size


def test_likelihoods(
    experiment: Experiment, model: Inference, dataset: ArrayDataset, num: int, *, batch: int, seed: int
) -> tuple[np.ndarray, str]:
    """The log-likelihoods `[num]`, nats, of the first `num` examples of a data set, and their kind.

    Raises:
      UnsupportedError: if the experiment has no likelihood.
    """
    measure, found = parallel.compile_fn(capability(experiment, "log_prob")), []
    rows = np.arange(min(num, dataset.size))
    chunks = np.array_split(rows, -(-len(rows) // batch))
    for number, chunk in enumerate(tqdm(chunks, desc="likelihood", leave=False, disable=None)):
        key = jax.random.fold_in(jax.random.key(seed), number)
        found.append(measure(key, model, dataset.take(chunk)))
    return np.concatenate([likelihood.value for likelihood in found]), found[0].kind


def summary(nats: np.ndarray, kind: str, *, spec: DataSpec, seed: int) -> dict[str, float | int | str]:
    """The mean of log-likelihoods `[N]` with its standard error over them, as `-log p` in nats and in bits/dim.

    `unit` says what a dimension is called: `bits/dim`, or `bits/character` of a text.
    """
    count, bits = len(nats), np.asarray(bits_per_dim(jnp.asarray(nats), math.prod(spec.shape)), np.float64)
    error = lambda values: float(values.std(ddof=1) / np.sqrt(count)) if count > 1 else float("nan")
    return {
        "nats": -float(nats.mean(dtype=np.float64)),
        "nats_stderr": error(nats),
        "bits_per_dim": float(bits.mean()),
        "stderr": error(bits),
        "unit": f"bits/{modality_of(spec).unit(spec.field)}",
        "kind": kind,
        "n": count,
        "seed": seed,
    }
