"""The sampling loop: keys, carry, the kept path, and one error for each misuse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.solvers import Sampler, given_grid, power_grid, sample, shifted_grid, uniform_grid

COUNTER = Sampler(lambda x, grid: jnp.zeros(()), lambda key, f, carry, x, t, s: (x + f * (t - s), carry + 1))


def test_runs_every_step_once_and_in_order():
    grid = jnp.array([1.0, 0.7, 0.5, 0.0])
    x, path = sample(jax.random.key(0), 2.0, jnp.zeros(4), grid, COUNTER, keep=3)
    np.testing.assert_allclose(x, jnp.full(4, 2.0), rtol=1e-6)
    np.testing.assert_allclose(path[:, 0], 2.0 * (1.0 - grid[1:]), rtol=1e-6)


def test_kept_states_are_even_and_end_with_the_sample():
    x, path = sample(jax.random.key(0), 1.0, jnp.zeros(2), uniform_grid(100), COUNTER, keep=4)
    np.testing.assert_allclose(path[:, 0], jnp.array([0.25, 0.5, 0.75, 1.0]), rtol=1e-5)
    np.testing.assert_array_equal(path[-1], x)


def test_keeping_none_allocates_no_path():
    shapes = jax.eval_shape(lambda x: sample(jax.random.key(0), 1.0, x, uniform_grid(50), COUNTER), jnp.zeros((2, 3)))
    assert shapes.shape == (2, 3)


def test_each_step_has_its_own_noise():
    noisy = Sampler(lambda x, grid: (), lambda key, f, carry, x, t, s: (jax.random.normal(key, x.shape), carry))
    _, path = sample(jax.random.key(0), None, jnp.zeros(8), uniform_grid(5), noisy, keep=5)
    assert len(np.unique(np.asarray(path))) == 40


def test_one_compilation_whatever_the_grid_values():
    run = jax.jit(lambda x, grid: sample(jax.random.key(0), 1.0, x, grid, COUNTER))
    run(jnp.zeros(2), uniform_grid(8))
    run(jnp.ones(2), power_grid(8))
    assert run._cache_size() <= 1  # 0 where the cache that all functions share was full


@pytest.mark.parametrize(
    ("grid", "keep", "message"),
    [
        (jnp.array([1.0]), 0, "at least 1 step"),
        (jnp.array([0.0, 0.5, 1.0]), 0, "descend"),
        (jnp.array([1.0, 0.5, 0.5, 0.0]), 0, "descend"),
        (jnp.array([1.0, 0.0]), 2, "keep must lie in"),
    ],
)
def test_misuse_is_named(grid, keep, message):
    with pytest.raises(ValueError, match=message):
        sample(jax.random.key(0), 1.0, jnp.zeros(2), grid, COUNTER, keep=keep)


def test_grids():
    np.testing.assert_allclose(uniform_grid(4), jnp.array([1.0, 0.75, 0.5, 0.25, 0.0]))
    np.testing.assert_allclose(power_grid(2, 2.0), jnp.array([1.0, 0.25, 0.0]))
    np.testing.assert_allclose(shifted_grid(2, 3.0), jnp.array([1.0, 0.75, 0.0]))
    np.testing.assert_allclose(shifted_grid(5, 1.0), uniform_grid(5))
    np.testing.assert_allclose(shifted_grid(2, 3.0, start=0.9, end=0.1), jnp.array([0.9, 0.66, 0.1]), rtol=1e-6)
    np.testing.assert_allclose(given_grid(2, (0.9, 0.3, 0.0)), jnp.array([0.9, 0.3, 0.0]))


@pytest.mark.parametrize(
    "make",
    [
        lambda: uniform_grid(0),
        lambda: uniform_grid(3, start=0.0, end=1.0),
        lambda: power_grid(3, 0.0),
        lambda: shifted_grid(3, -1.0),
        lambda: given_grid(3, (1.0, 0.5, 0.0)),
        lambda: given_grid(2, (1.0, 0.5, 0.5)),
    ],
)
def test_impossible_grids_are_refused(make):
    with pytest.raises(ValueError, match=r"must be positive|at least 1|runs from start|go through 4|must descend"):
        make()
