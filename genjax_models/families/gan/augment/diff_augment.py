r"""DiffAugment: data and fakes pass the same distribution of differentiable transformations before the discriminator.

$$L_D = E\,\ell_D\bigl(D(T(x)), D(T(G(z)))\bigr), \qquad L_G = E\,\ell_G\bigl(D(T(G(z)))\bigr),$$

with a new $T$ for each example; data and fakes get keys of their own. Each policy is a few transformations with the
authors' ranges: for images of width $W$ with $u \sim U[0, 1]$ drawn for each,

* color: brightness $x + u - \frac12$; then saturation $2u\,(x - m) + m$, $m$ the mean over channels; then contrast
  $(u + \frac12)(x - m) + m$, $m$ the mean over the image;
* translation: whole pixels, at most $W / 8$ each way and axis; zeros come in;
* cutout: a rectangle of half of each side, its centre anywhere, becomes zero.

References:
  Zhao et al., Differentiable Augmentation for Data-Efficient GAN Training, 2020, https://arxiv.org/abs/2006.10738
"""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from genjax_models.core.types import Array, Key

Transform = Callable[[Key, Array], Array]
"""`(key, x [B, H, W, C]) -> x`, differentiable by `x`."""


def brightness(key: Key, x: Array) -> Array:
    """A random number, the same for all of an image, is added."""
    return x + _uniform(key, x) - 0.5


def saturation(key: Key, x: Array) -> Array:
    """Channels move away from their mean, or towards it; an image of one channel stays."""
    mean = x.mean(axis=3, keepdims=True)
    return 2.0 * _uniform(key, x) * (x - mean) + mean


def contrast(key: Key, x: Array) -> Array:
    """All numbers of an image move away from their mean, or towards it."""
    mean = x.mean(axis=(1, 2, 3), keepdims=True)
    return (_uniform(key, x) + 0.5) * (x - mean) + mean


def translate(key: Key, x: Array, *, ratio: float = 0.125) -> Array:
    """Each image moves by whole pixels, up to `ratio` of a side, and zeros come in."""
    for axis, k in zip((1, 2), jax.random.split(key), strict=True):
        size = x.shape[axis]
        most = int(size * ratio + 0.5)
        shift = jax.random.randint(k, x.shape[:1], -most, most + 1)
        source = jnp.arange(size)[None] - shift[:, None]
        inside = (source >= 0) & (source < size)
        shape = tuple(n if i in (0, axis) else 1 for i, n in enumerate(x.shape))
        moved = jnp.take_along_axis(x, jnp.clip(source, 0, size - 1).reshape(shape), axis=axis)
        x = jnp.where(inside.reshape(shape), moved, 0.0)
    return x


def cutout(key: Key, x: Array, *, ratio: float = 0.5) -> Array:
    """A rectangle of `ratio` of each side becomes zero; a part of it may lie outside."""
    inside = []
    for size, k in zip(x.shape[1:3], jax.random.split(key), strict=True):
        length = int(size * ratio + 0.5)
        start = jax.random.randint(k, x.shape[:1], 0, size + 1 - length % 2) - length // 2
        offset = jnp.arange(size)[None] - start[:, None]
        inside.append((offset >= 0) & (offset < length))
    hole = inside[0][:, :, None] & inside[1][:, None, :]
    return jnp.where(hole[..., None], 0.0, x)


POLICIES: dict[str, tuple[Transform, ...]] = {
    "color": (brightness, saturation, contrast),
    "translation": (translate,),
    "cutout": (cutout,),
}
"""The parts of a policy."""


def diff_augment(key: Key, x: Array, policy: Sequence[str] = tuple(POLICIES)) -> Array:
    """Transforms each image by itself, with a transformation of its own.

    Args:
      key: one typed PRNG key, consumed; another for data than for fakes.
      x: `[B, H, W, C]` float, scaled to [-1, 1].
      policy: names of `POLICIES`, applied in this order.

    Returns:
      `[B, H, W, C]`, not clipped.
    """
    transforms = [transform for name in policy for transform in POLICIES[name]]
    for transform, k in zip(transforms, jax.random.split(key, len(transforms)), strict=True):
        x = transform(k, x)
    return x


def _uniform(key: Key, x: Array) -> Array:
    return jax.random.uniform(key, (x.shape[0], 1, 1, 1), x.dtype)
