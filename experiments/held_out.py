"""Scores on data that no training step saw, for `evaluate` and `export`."""

from collections import defaultdict

import jax
import numpy as np

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
