"""What is remembered between steps: past fakes, standing statistics; and the alarm of collapse."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.distance import cdist

from genjax_models.families.gan import empty_pool, exchange, nearest_distance, standing_statistics

SIZE, BATCH = 5, 4


def plain_pool(stored, fakes, swaps, places):
    """CycleGAN's buffer with a list."""
    shown = []
    for fake, swap, place in zip(fakes, swaps, places, strict=True):
        if len(stored) < SIZE:
            stored.append(fake)
            shown.append(fake)
        elif swap:
            shown.append(stored[place])
            stored[place] = fake
        else:
            shown.append(fake)
    return shown


def test_the_pool_is_cyclegans_with_the_same_decisions():
    pool, stored, batches, old = empty_pool((2, 1), SIZE), [], 40, 0
    fakes = jnp.arange(batches * BATCH * 2.0).reshape(batches, BATCH, 2, 1)
    run = jax.jit(exchange)
    for i, batch in enumerate(fakes):
        key = jax.random.key(i)
        swap_key, place_key = jax.random.split(key)
        swaps = np.asarray(jax.random.bernoulli(swap_key, shape=(BATCH,)))
        places = np.asarray(jax.random.randint(place_key, (BATCH,), 0, SIZE))
        expected = plain_pool(stored, list(np.asarray(batch)), swaps, places)
        shown, pool = run(key, pool, batch)
        np.testing.assert_array_equal(shown, np.stack(expected))
        old += int((np.asarray(shown) < np.asarray(batch[0])).all(axis=(1, 2)).sum())
        assert int(pool.count) == len(stored)
    np.testing.assert_array_equal(pool.images, np.stack(stored))
    assert old > 0
    assert np.all(jax.grad(lambda x: exchange(jax.random.key(0), pool, x)[0].sum())(fakes[0]) == 0)
    with pytest.raises(ValueError, match="at least 1"):
        empty_pool((2,), 0)


def test_standing_statistics_are_averages():
    def batch(key):
        a, b = jax.random.split(key)
        return {"a": jax.random.normal(a, (3,)), "b": jax.random.normal(b, (2, 2))}

    out = jax.jit(standing_statistics, static_argnums=(1, 2))(jax.random.key(0), batch, 7)
    each = [batch(key) for key in jax.random.split(jax.random.key(0), 7)]
    for name in "ab":
        np.testing.assert_allclose(out[name], np.mean([b[name] for b in each], axis=0), rtol=1e-5)
    with pytest.raises(ValueError, match="at least 1 batch"):
        standing_statistics(jax.random.key(0), batch, 0)


def test_nearest_distance():
    x = np.random.default_rng(0).normal(size=(5, 3, 2))
    every = cdist(x.reshape(5, -1), x.reshape(5, -1)) / np.sqrt(6)
    np.testing.assert_allclose(nearest_distance(jnp.asarray(x)), np.sort(every, axis=1)[:, 1], rtol=1e-4)
    of_two = jnp.asarray(x[[0, 1, 1, 0, 0]])  # two images only, however far apart
    np.testing.assert_allclose(nearest_distance(of_two), 0, atol=2e-3)
