"""Consistency training as an experiment: the target follows as slowly as the curriculum says."""

from functools import partial

import jax
import numpy as np
import pytest

from configs.consistency.song2023_training_digits import get_config
from experiments.run.command import build_experiment
from genjax_models.data import batches, load
from genjax_models.training import train_step
from genjax_models.training.experiment import initial_state


@pytest.mark.parametrize(("curriculum", "kept"), [("doubling", 0.9), ("square_root", 0.9 ** (2 / 21))])
def test_the_target_follows_the_curriculum(curriculum, kept):
    config = get_config()
    config.net.update({"width": 16, "depth": 1})
    config.train.update({"steps": 4, "batch_size": 8})
    config.train.optimizer.schedule.warmup_steps = 0
    config.update({"curriculum": curriculum, "intervals": {"first": 1, "last": 39}, "target_decay": 0.9})
    experiment = build_experiment(config)
    step = jax.jit(partial(train_step, players=experiment.players))
    batch = next(batches(load("digits"), 8, seed=0))
    first = jax.jit(partial(initial_state, experiment=experiment, ema=False))(jax.random.key(0))
    second, _ = step(first, batch)
    third, _ = step(second, batch)  # step 1 of 4: (40^2 - 2^2) / 4 + 2^2 = 403, root 20.07: 20 intervals, 21 levels
    old, new, target = (jax.tree.leaves(tree) for tree in (first.params, second.params, third.extra["target"]))
    for x, y, z in zip(old, new, target, strict=True):
        np.testing.assert_allclose(z, kept * np.asarray(x) + (1 - kept) * np.asarray(y), rtol=1e-4, atol=1e-6)
