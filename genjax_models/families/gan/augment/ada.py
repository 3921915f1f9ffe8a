r"""Adaptive discriminator augmentation: the pipeline, each step of it with probability p an image.

Every image gets, with each $n \sim N(0, 1)$ drawn anew and angles uniform on the circle,

* blits, exact: a mirror image (half of those chosen), quarter turns, a whole shift by up to an eighth of a side;
* geometry: a scale $2^{0.2n}$; a rotation; a scale $2^{0.2n}$ of the width and its inverse of the height; a
  rotation; a shift by $n/8$ of a side. Each rotation has the chance $1 - \sqrt{1 - p}$: together they have p;
* colours, of pixels as vectors with $v$ the unit vector of grey: $x + 0.2n$; $2^{n/2}x$; luma flip $x - 2vv^\top x$ (of
  half of those chosen); of three channels also a rotation about $v$ (hue) and $vv^\top x + 2^n (x - vv^\top x)$
  (saturation).

Blits and geometry multiply into one map and are warped once, bilinearly, with mirrored borders, where the authors
filter at twice the resolution. Their filtering of frequency bands, noise and cutout, which did not help them, are left
out. Up to a p of about 0.8 augmentations do not leak into the fakes; `controller.py` moves p.

References:
  Karras et al., Training Generative Adversarial Networks with Limited Data, 2020, appendix B, https://arxiv.org/abs/2006.06676
"""

from functools import reduce

import jax
import jax.numpy as jnp
import numpy as np

from genjax_models.core.types import Array, Key
from genjax_models.families.gan.augment.warp import compose, linear_map, rotation, translation, warp


def ada_augment(key: Key, x: Array, p: Array | float) -> Array:
    """Augments each image by itself.

    Args:
      key: one typed PRNG key, consumed; another for data than for fakes.
      x: `[B, H, W, C]` float, scaled to [-1, 1].
      p: the probability of each transformation, `[]`; at 0 every image stays exactly as it is.

    Returns:
      `[B, H, W, C]`, not clipped, differentiable by `x`.
    """
    key_blit, key_geometry, key_colour = jax.random.split(key, 3)
    maps = compose(blits(key_blit, x.shape, p), geometry(key_geometry, x.shape, p))
    return recolour(key_colour, warp(x, maps), p)


def blits(key: Key, shape: tuple[int, ...], p: Array | float) -> Array:
    """Maps of pixels onto pixels for images of `shape` `[B, H, W, C]`: `[B, 3, 3]`.

    Where the sides differ by an odd number, a quarter turn falls between pixels.
    """
    n, height, width = shape[:3]
    pick_key, draw_key = jax.random.split(key)
    flips, turns, moves = jax.random.bernoulli(pick_key, p, (3, n))
    u = jax.random.uniform(draw_key, (4, n))
    quarter = jnp.where(turns, jnp.floor(4 * u[1]), 0).astype(jnp.int32)
    cos, sin = (jnp.asarray(table, u.dtype)[quarter] for table in ([1, 0, -1, 0], [0, 1, 0, -1]))
    sides = jnp.array([[width], [height]], u.dtype)
    move_u, move_v = jnp.where(moves[None], jnp.round((u[2:] - 0.5) * 0.25 * sides), 0.0)
    one, zero = jnp.ones(n), jnp.zeros(n)
    steps = [
        linear_map(jnp.where(flips & (u[0] < 0.5), -1.0, 1.0), zero, zero, one),
        linear_map(cos, -sin, sin, cos),
        translation(move_u, move_v),
    ]
    return reduce(compose, steps)


def geometry(key: Key, shape: tuple[int, ...], p: Array | float) -> Array:
    """Maps of scales, rotations and fractional shifts for images of `shape` `[B, H, W, C]`: `[B, 3, 3]`."""
    n, height, width = shape[:3]
    pick_key, normal_key, angle_key = jax.random.split(key, 3)
    p_turn = 1.0 - jnp.sqrt(1.0 - p)
    chances = jnp.stack([jnp.asarray(chance, jnp.float32) for chance in (p, p, p, p_turn, p_turn)])
    picked = jax.random.bernoulli(pick_key, chances[:, None], (5, n))
    normals = jax.random.normal(normal_key, (4, n)) * picked[jnp.array([0, 1, 2, 2])]
    before, after = jnp.pi * jax.random.uniform(angle_key, (2, n), minval=-1.0) * picked[3:]
    scale, stretch = jnp.exp2(0.2 * normals[:2])
    zero = jnp.zeros(n)
    steps = [
        linear_map(scale, zero, zero, scale),
        rotation(before),
        linear_map(stretch, zero, zero, 1.0 / stretch),
        rotation(after),
        translation(0.125 * width * normals[2], 0.125 * height * normals[3]),
    ]
    return reduce(compose, steps)


def recolour(key: Key, x: Array, p: Array | float) -> Array:
    """The colours of each image of `x` `[B, H, W, C]`."""
    n, channels = x.shape[0], x.shape[3]
    pick_key, normal_key, uniform_key = jax.random.split(key, 3)
    picked = jax.random.bernoulli(pick_key, p, (5, n))
    light, gain, vividness = (jax.random.normal(normal_key, (3, n), x.dtype) * picked[:3])[..., None, None, None]
    u = jax.random.uniform(uniform_key, (2, n), x.dtype)
    grey = lambda x: x.mean(axis=3, keepdims=True)

    x = (x + 0.2 * light) * jnp.exp2(0.5 * gain)
    x = x - jnp.where(picked[3] & (u[0] < 0.5), 2.0, 0.0).astype(x.dtype)[:, None, None, None] * grey(x)
    if channels == 3:
        turns = hue_rotation(jnp.where(picked[4], 2 * jnp.pi * u[1], 0.0))
        x = jnp.einsum("bhwc,bdc->bhwd", x, turns.astype(x.dtype), precision="highest")
        x = x + (jnp.exp2(vividness) - 1.0) * (x - grey(x))
    return x


def hue_rotation(angle: Array) -> Array:
    """Rotations of colours about grey by `angle` `[B]` radians, `[B, 3, 3]` (Rodrigues' formula)."""
    v = np.full(3, 1 / np.sqrt(3))
    cross = np.cross(np.eye(3), v)  # K x = v × x
    cos, sin = jnp.cos(angle)[:, None, None], jnp.sin(angle)[:, None, None]
    return cos * np.eye(3)[None] + sin * cross[None] + (1.0 - cos) * np.outer(v, v)[None]
