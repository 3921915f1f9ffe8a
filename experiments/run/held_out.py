"""Scores and likelihoods of data that no training step saw, for `evaluate` and `export`."""

from collections import defaultdict

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from genjax_models.core.likelihood import bits_per_dim
from genjax_models.core.types import PyTree
from genjax_models.data import epoch, load
from genjax_models.training import Experiment, parallel
from genjax_models.training.tasks import capability

BATCH = 500
"""Test examples at once."""


def test_scores(experiment: Experiment, params: PyTree, extra: PyTree, name: str) -> tuple[dict[str, float], int]:
    """The mean of each score of `experiment.validate` over the test split of a data set, and the split's size.

    An experiment with a `test_set` of its own is asked about that.
    """
    if experiment.validate is None:
        return {}, 0
    validate = parallel.compile_fn(experiment.validate)
    dataset = experiment.test_set() if experiment.test_set else load(name, "test")
    values = defaultdict(list)
    for number, batch in enumerate(epoch(dataset, BATCH)):
        key = jax.random.fold_in(jax.random.key(0), number)
        for score, value in validate(key, params, extra, batch).items():
            values[score].append(np.asarray(value))
    return {score: float(np.concatenate(parts).mean()) for score, parts in values.items()}, dataset.size


def test_likelihoods(
    experiment: Experiment, params: PyTree, name: str, num: int, *, batch: int, seed: int
) -> tuple[np.ndarray, str]:
    """The log-likelihoods `[num]`, nats, of the first `num` test examples of a data set, and their kind.

    Raises:
      UnsupportedError: if the experiment has no likelihood.
    """
    measure, dataset, found = parallel.compile_fn(capability(experiment, "log_prob")), load(name, "test"), []
    rows = np.arange(min(num, dataset.size))
    chunks = np.array_split(rows, -(-len(rows) // batch))
    for number, chunk in enumerate(tqdm(chunks, desc="likelihood", leave=False, disable=None)):
        key = jax.random.fold_in(jax.random.key(seed), number)
        found.append(measure(key, params, dataset.take(chunk)))
    return np.concatenate([likelihood.value for likelihood in found]), found[0].kind


def summary(nats: np.ndarray, kind: str, *, dims: int, seed: int) -> dict[str, float | int | str]:
    """The mean of log-likelihoods `[N]` with its standard error over them, as `-log p` in nats and in bits/dim."""
    count, bits = len(nats), np.asarray(bits_per_dim(jnp.asarray(nats), dims), np.float64)
    error = lambda values: float(values.std(ddof=1) / np.sqrt(count)) if count > 1 else float("nan")
    return {
        "nats": -float(nats.mean(dtype=np.float64)),
        "nats_stderr": error(nats),
        "bits_per_dim": float(bits.mean()),
        "stderr": error(bits),
        "kind": kind,
        "n": count,
        "seed": seed,
    }
