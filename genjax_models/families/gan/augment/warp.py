r"""Affine maps of images: where each pixel of the result comes from, between four pixels of the source.

Pixels have the coordinates $(u, v)$, to the right and down, counted from the image's centre. A map takes a pixel of the
*result* to its source, $(u', v', 1)^\top = M (u, v, 1)^\top$, so that maps applied one after another multiply from the
left to the right. What lies outside is mirrored at the border, whose pixels are not repeated.
"""

import jax
import jax.numpy as jnp
import numpy as np

from genjax_models.core.types import Array


def compose(first: Array, second: Array) -> Array:
    """The map of warping by `first`, then by `second`, `[B, 3, 3]` each."""
    return jnp.matmul(first, second, precision="highest")


def warp(x: Array, matrix: Array) -> Array:
    """`x` `[B, H, W, C]` by the maps `[B, 3, 3]`, bilinearly; exact where sources fall onto pixels.

    It is differentiable by the image, and by the maps but for their effect on which pixels are read.
    """
    height, width = x.shape[1:3]
    wide = jnp.promote_types(x.dtype, jnp.float32)
    centred = lambda size: np.arange(size, dtype=wide) - (size - 1) / 2
    u, v = np.meshgrid(centred(width), centred(height))

    def one(image: Array, m: Array) -> Array:
        column = m[0, 0] * u + m[0, 1] * v + m[0, 2] + (width - 1) / 2
        row = m[1, 0] * u + m[1, 1] * v + m[1, 2] + (height - 1) / 2
        left, top = jnp.floor(column), jnp.floor(row)
        right_share, low_share = ((a - b)[..., None].astype(x.dtype) for a, b in ((column, left), (row, top)))
        columns = [mirrored(left, width), mirrored(left + 1, width)]
        upper, lower = (
            (1 - right_share) * image[i, columns[0]] + right_share * image[i, columns[1]]
            for i in (mirrored(top, height), mirrored(top + 1, height))
        )
        return (1 - low_share) * upper + low_share * lower

    return jax.vmap(one)(x, matrix.astype(wide))


def mirrored(position: Array, size: int) -> Array:
    """Whole numbers as indices on `[0, size)`, mirrored at 0 and at `size - 1` as often as needed, int32."""
    period = max(2 * (size - 1), 1)
    folded = jnp.mod(position.astype(jnp.int32), period)
    return jnp.minimum(folded, period - folded) % size


def linear_map(a: Array, b: Array, c: Array, d: Array) -> Array:
    """Maps with the linear part `[[a, b], [c, d]]`, `[B]` each: `[B, 3, 3]`."""
    zero, one = jnp.zeros_like(a), jnp.ones_like(a)
    return jnp.stack([a, b, zero, c, d, zero, zero, zero, one], axis=-1).reshape(-1, 3, 3)


def translation(u: Array, v: Array) -> Array:
    """Maps whose results are the image moved by `(-u, -v)` pixels, `[B]` each: `[B, 3, 3]`."""
    zero, one = jnp.zeros_like(u), jnp.ones_like(u)
    return jnp.stack([one, zero, u, zero, one, v, zero, zero, one], axis=-1).reshape(-1, 3, 3)


def rotation(angle: Array) -> Array:
    """Maps that turn by `angle` `[B]` radians: `[B, 3, 3]`."""
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    return linear_map(cos, -sin, sin, cos)
