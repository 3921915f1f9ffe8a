"""Squares of 2×2 pixels as channels, so that couplings can split channels; and images as vectors. Volume is kept.

References:
  Dinh et al., Density Estimation using Real NVP, 2017, section 3.6, https://arxiv.org/abs/1605.08803
"""

import math

from genjax_models.core.patches import patchify, unpatchify
from genjax_models.core.types import Array
from genjax_models.families.flows.bijection import Bijection, constant_volume


def squeeze() -> Bijection:
    """`[B, H, W, C]` → `[B, H/2, W/2, 4C]`; a side that is odd raises a ValueError."""

    def fold(x: Array) -> Array:
        height, width = x.shape[1:3]
        if height % 2 or width % 2:
            raise ValueError(f"a squeeze needs even sides, got {height}x{width}: pad the images, or take fewer levels")
        return patchify(x, 2)

    return constant_volume(fold, lambda y: unpatchify(y, 2))


def flatten(shape: tuple[int, ...]) -> Bijection:
    """`[B, *shape]` → `[B, D]`, the end of a flow with a flat latent."""
    return constant_volume(lambda x: x.reshape(x.shape[0], -1), lambda y: y.reshape(y.shape[0], *shape))


def tokens(shape: tuple[int, int, int], size: int) -> Bijection:
    """`[B, H, W, C]` → `[B, T, size² C]`, the patches of an image row by row, for flows over sequences.

    Raises:
      ValueError: if the patches do not fill the image.
    """
    height, width, _ = shape
    if height % size or width % size:
        raise ValueError(f"patches of {size}x{size} do not fill {height}x{width}: choose a size that divides both")
    rows = (height // size, width // size)
    return constant_volume(
        lambda x: patchify(x, size).reshape(x.shape[0], math.prod(rows), -1),
        lambda y: unpatchify(y.reshape(y.shape[0], *rows, -1), size),
    )
