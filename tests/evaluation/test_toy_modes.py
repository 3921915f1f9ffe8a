"""What the comparison of modes says of samples that are known: the mixture's own, a collapsed set, one gone astray."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import toy_modes
from experiments.toy_modes import TASKS, get_config, measure, row, table, trained
from genjax_models.core.errors import UserError
from genjax_models.data import load


@pytest.mark.parametrize("name", TASKS)
def test_the_mixtures_own_samples_keep_every_mode(name):
    task = TASKS[name]
    x = load(task.data, "test").x[:5000].reshape(2, 2500, 2)
    found = measure(task, x, np.zeros(2))
    np.testing.assert_array_equal(found["modes"], [len(task.centres)] * 2)
    np.testing.assert_allclose(found["good"], 1 - np.exp(-4.5), atol=0.01)  # of a Gaussian in the plane, within 3 std
    assert (found["reverse KL"] < 0.02).all()
    assert not found["collapsed"].any()
    assert not found["diverged"].any()


def test_a_collapse_and_a_divergence_are_counted():
    task = TASKS["25 Gaussians"]
    one = np.broadcast_to(task.centres[3], (100, 2))
    samples = np.stack([one, one + 50.0, np.full((100, 2), np.nan), load(task.data, "test").x[:100]])
    found = measure(task, samples, np.array([0, 0, 0, 2]))
    np.testing.assert_array_equal(found["collapsed"], [1, 1, 1, 0])
    np.testing.assert_array_equal(found["diverged"], [0, 1, 1, 1])
    np.testing.assert_array_equal(found["modes"][:3], [1, 0, 0])
    np.testing.assert_allclose(found["reverse KL"][0], np.log(25), rtol=1e-6)
    line = table([row("25 Gaussians", "all", found, 1.0)]).splitlines()[-1]
    assert "3 of 4" in line


def test_every_method_trains_over_seeds_at_once():
    config = get_config()
    config.train.update({"steps": 5, "batch_size": 16})
    task = TASKS["8 Gaussians"]
    x = jnp.asarray(load(task.data, "train").x[:64])
    for method in ("WGAN-GP", "flow matching"):
        own, experiment = toy_modes.experiment_of(config, method, task)
        run = jax.jit(jax.vmap(trained(own, experiment, x, 8)))
        samples, nonfinite = run(jax.vmap(jax.random.key)(jnp.arange(2)))
        assert samples.shape == (2, 8, 2)
        assert not np.allclose(samples[0], samples[1])
        assert not nonfinite.any()
    with pytest.raises(UserError, match="did you mean 'WGAN-GP'"):
        toy_modes.experiment_of(config, "WGAN", task)
