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

BATCH = 500
"""Test examples at once."""


def test_scores(experiment: Experiment, params: PyTree, extra: PyTree, name: str) -> tuple[dict[str, float], int]:
    """The mean of each score of `experiment.validate` over the test split of a data set, and the split's size."""
    if experiment.validate is None:
        return {}, 0
    validate = parallel.compile_fn(experiment.validate)
    dataset = load(name, "test")
    values = defaultdict(list)
    for number, batch in enumerate(epoch(dataset, BATCH)):
        key = jax.random.fold_in(jax.random.key(0), number)
        for score, value in validate(key, params, extra, batch).items():
            values[score].append(np.asarray(value))
    return {score: float(np.concatenate(parts).mean()) for score, parts in values.items()}, dataset.size


def test_likelihood(
    experiment: Experiment, params: PyTree, name: str, num: int, *, batch: int, seed: int
) -> dict[str, float | int | str]:
    """The mean likelihood of the first `num` test examples, with its standard error over them.

    Returns:
      `bits_per_dim` and its `stderr`, the `kind` of likelihood, `n` and `seed`; of bytes if the data are bytes.
    """
    assert experiment.log_prob is not None
    measure, dataset, found = parallel.compile_fn(experiment.log_prob), load(name, "test"), []
    rows = np.arange(min(num, dataset.size))
    chunks = np.array_split(rows, -(-len(rows) // batch))
    for number, chunk in enumerate(tqdm(chunks, desc="likelihood", leave=False, disable=None)):
        key = jax.random.fold_in(jax.random.key(seed), number)
        found.append(measure(key, params, dataset.take(chunk)))
    bits = np.asarray(bits_per_dim(jnp.concatenate([likelihood.value for likelihood in found]), dataset.x[0].size))
    stderr = float(bits.std(ddof=1) / np.sqrt(len(bits)))
    return {"bits_per_dim": float(bits.mean()), "stderr": stderr, "kind": found[0].kind, "n": len(bits), "seed": seed}
