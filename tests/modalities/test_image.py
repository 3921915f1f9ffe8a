"""Bytes to floats and back, and flips."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from genjax_models.modalities.image import IMAGE, binarize, binarize_once, dequantize, random_flip, to_float, to_uint8

BYTES = jnp.arange(256, dtype=jnp.uint8)


def test_bytes_survive_the_round_trip():
    np.testing.assert_array_equal(to_uint8(to_float(BYTES)), BYTES)


def test_floats_fill_the_interval_evenly_and_symmetrically():
    x = np.asarray(to_float(BYTES), np.float64)
    np.testing.assert_array_equal(x, -x[::-1])
    np.testing.assert_array_equal(np.diff(x), 2 / 256)
    assert x.max() + 1 / 256 == 1


def test_floor_inverts_dequantisation():
    x = dequantize(jax.random.key(0), jnp.tile(BYTES[:, None], (1, 4096)))
    np.testing.assert_array_equal(to_uint8(x), np.tile(np.arange(256)[:, None], (1, 4096)))
    assert x.dtype == jnp.float32 and x.min() >= -1 and x.max() < 1


def test_dequantisation_noise_is_uniform():
    x = np.asarray(dequantize(jax.random.key(1), jnp.full((20_000,), 255, jnp.uint8)), np.float64)
    assert stats.kstest((x + 1) * 128 - 255, "uniform").pvalue > 1e-3


def test_dequantised_middles_are_unbiased():
    """The mean of the dequantised byte is the middle of its interval, within five standard errors."""
    x = dequantize(jax.random.key(2), jnp.tile(BYTES[:, None], (1, 4096)))
    error = np.abs(np.asarray(x.mean(1) - to_float(BYTES)))
    assert error.max() < 5 / 128 / np.sqrt(12 * 4096)


def test_out_of_range_floats_are_clipped():
    np.testing.assert_array_equal(to_uint8(jnp.array([-7.0, -1.0, 1.0, 7.0])), [0, 0, 255, 255])


def test_floats_pass_and_other_integers_do_not():
    x = jnp.array([[0.25, -3.0]])
    np.testing.assert_array_equal(to_float(x), x)
    with pytest.raises(TypeError, match="uint8"):
        to_float(jnp.array([1, 2]))
    with pytest.raises(TypeError, match="uint8"):
        dequantize(jax.random.key(0), x)


@pytest.mark.parametrize("dtype", [jnp.uint8, jnp.float32])
def test_flips_mirror_whole_images_left_to_right(dtype):
    x = jax.random.randint(jax.random.key(0), (64, 4, 5, 3), 0, 255).astype(dtype)
    y = np.asarray(random_flip(jax.random.key(1), x))
    kept = (y == np.asarray(x)).all((1, 2, 3))
    mirrored = (y == np.asarray(x)[:, :, ::-1]).all((1, 2, 3))
    assert (kept ^ mirrored).all() and y.dtype == dtype
    assert 10 < mirrored.sum() < 54  # 32 expected, standard deviation 4


def test_flipping_twice_the_same_way_is_the_identity():
    x = jax.random.normal(jax.random.key(0), (16, 4, 5, 1))
    flip = lambda x: random_flip(jax.random.key(3), x)
    np.testing.assert_array_equal(flip(flip(x)), x)


def test_bits_are_white_as_often_as_the_bytes_say():
    bits = np.asarray(binarize(jax.random.key(0), jnp.tile(BYTES[:, None], (1, 4096))))
    assert set(np.unique(bits)) == {0.0, 1.0} and bits.dtype == np.float32
    p = np.arange(256) / 255
    assert (np.abs(bits.mean(axis=1) - p) <= 5 * np.sqrt(p * (1 - p) / 4096)).all()


def test_static_bits_are_one_draw_an_image():
    x = jax.random.randint(jax.random.key(0), (512, 6, 6, 1), 0, 256).astype(jnp.uint8).at[:, 0].set(128)
    bits = np.asarray(binarize_once(x))
    np.testing.assert_array_equal(binarize_once(x[::-1]), bits[::-1])
    assert abs(bits[:, 0].mean() - 128 / 255) < 5 * 0.5 / np.sqrt(512 * 6)
    assert len(np.unique(bits[:, 0, :, 0], axis=0)) == 64  # of the same row in different images
    with pytest.raises(TypeError, match="uint8"):
        binarize_once(bits)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16, jnp.float16])
def test_what_has_overflowed_is_not_clipped_to_an_end(dtype):
    """1e20 is finite in float32, but not its square."""
    x = jnp.array([0.5, -3.0, jnp.inf, -jnp.inf, jnp.nan] + [1e20] * (dtype != jnp.float16), dtype)
    found = IMAGE.clip(x)
    assert found.dtype == dtype
    np.testing.assert_array_equal(np.asarray(found[:2], np.float32), [0.5, -1.0])
    assert jnp.isnan(found[2:]).all()
