r"""From bytes to floats and back, and augmentation: pure, keyed, on the device.

The byte $b \in \{0, \dots, 255\}$ stands for the interval $[b, b + 1)$ of a scale of 256 steps:

$$ x = \frac{2b + 1}{256} - 1 \;\text{(its middle)}, $$
$$ x = \frac{2(b + u)}{256} - 1,\; u \sim U[0, 1) \;\text{(dequantised)}, $$

and $b = \lfloor 128 (x + 1) \rfloor$ is the inverse of both. Bytes fill [-1, 1] evenly, so that a density $p$
of the dequantised $x$ bounds the log-mass of the bytes: $\log P(b) \ge E_u \log p(x) - D \log 128$ (Theis et
al.).
"""

import jax
import jax.numpy as jnp

from genjax_models.core.types import Array, Key


def to_float(x: Array) -> Array:
    """Bytes `[B, ...]` -> the middles of their intervals, float32 in (-1, 1); floats pass through."""
    if jnp.issubdtype(x.dtype, jnp.floating):
        return x
    return (_bytes(x) + 0.5) / 128 - 1


def dequantize(key: Key, x: Array) -> Array:
    """Bytes `[B, ...]` -> uniform draws from their intervals, float32 in [-1, 1).

    Args:
      key: one typed PRNG key, consumed.
      x: `uint8`, any shape.

    Returns:
      float32 of the same shape; `to_uint8` gives the bytes back exactly.

    Raises:
      TypeError: if `x` is not `uint8`.

    References:
      Theis et al., A note on the evaluation of generative models, 2016, https://arxiv.org/abs/1511.01844
    """
    # 8 bits of the byte and 16 of noise fit the 24 bits of float32, so that no draw is rounded up to b + 1.
    noise = jax.random.bits(key, x.shape, jnp.uint16).astype(jnp.float32) / 65536
    return (_bytes(x) + noise) / 128 - 1


def to_uint8(x: Array) -> Array:
    """Floats in [-1, 1] -> bytes, `floor(128 (x + 1))`; what lies outside is clipped."""
    return jnp.clip(jnp.floor((x + 1) * 128), 0, 255).astype(jnp.uint8)


def random_flip(key: Key, x: Array) -> Array:
    """Mirrors each image of `x` `[B, H, W, C]` left to right with probability one half, in any dtype."""
    flip = jax.random.bernoulli(key, shape=(x.shape[0],))
    return jnp.where(flip[:, None, None, None], x[:, :, ::-1], x)


def _bytes(x: Array) -> Array:
    if x.dtype != jnp.uint8:
        raise TypeError(f"expected images as uint8 bytes, got {x.dtype}")
    return x.astype(jnp.float32)
