"""Patches hold the pixels of their square, and fold back."""

import jax
import numpy as np
import pytest

from genjax_models.core.patches import patchify, unpatchify


def test_each_patch_is_its_square():
    x = jax.random.normal(jax.random.key(0), (2, 6, 9, 2))
    patches = patchify(x, 3)
    assert patches.shape == (2, 2, 3, 18)
    np.testing.assert_array_equal(patches[1, 1, 2], x[1, 3:6, 6:9].reshape(-1))
    np.testing.assert_array_equal(unpatchify(patches, 3), x)


def test_image_that_patches_do_not_tile_is_refused():
    with pytest.raises(ValueError, match="patches of 4x4 do not tile an image of 6x8"):
        patchify(np.zeros((1, 6, 8, 1)), 4)
