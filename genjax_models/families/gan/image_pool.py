"""A buffer of past fakes, of which the discriminator sees some in place of the newest.

Every fake of a batch in turn: while there is room it is stored and returned. Later, with probability one half it is
returned and forgotten, or else it takes the place of a stored one, chosen at random, which is returned.

References:
  Shrivastava et al., Learning from Simulated and Unsupervised Images through Adversarial Training, 2017,
    https://arxiv.org/abs/1612.07828
  Zhu et al., Unpaired Image-to-Image Translation (CycleGAN), 2017, section 4, https://arxiv.org/abs/1703.10593
"""

import jax
import jax.numpy as jnp
from flax import struct

from genjax_models.core.types import Array, Key


@struct.dataclass
class ImagePool:
    """Arrays only. One pool belongs to one program: shards must not average it.

    Attributes:
      images: `[N, ...]`, of which the first `count` are there.
      count: `[]` int32.
    """

    images: Array
    count: Array


def empty_pool(shape: tuple[int, ...], size: int = 50) -> ImagePool:
    """Room for `size` examples of `shape`, float32.

    Raises:
      ValueError: if there is no room.
    """
    if size < 1:
        raise ValueError(f"a pool holds at least 1 image, got {size}")
    return ImagePool(jnp.zeros((size, *shape)), jnp.zeros((), jnp.int32))


def exchange(key: Key, pool: ImagePool, fakes: Array) -> tuple[Array, ImagePool]:
    """What the discriminator is to see in place of `fakes` `[B, ...]`, of the same shape, and the pool afterwards."""
    size = pool.images.shape[0]
    key_swap, key_place = jax.random.split(key)
    swaps = jax.random.bernoulli(key_swap, shape=fakes.shape[:1])
    places = jax.random.randint(key_place, fakes.shape[:1], 0, size)

    def one(pool: ImagePool, each: tuple[Array, Array, Array]) -> tuple[ImagePool, Array]:
        fake, swap, place = each
        full = pool.count == size
        place = jnp.where(full, place, pool.count)
        old = pool.images[place]
        shown = jnp.where(full & swap, old, fake)
        kept = jnp.where(full & ~swap, old, fake)
        return ImagePool(pool.images.at[place].set(kept), jnp.minimum(pool.count + 1, size)), shown

    pool, shown = jax.lax.scan(one, pool, (jax.lax.stop_gradient(fakes), swaps, places))
    return shown, pool
