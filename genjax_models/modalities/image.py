r"""Images: from bytes to floats and back, mirrored at random, as pictures and animations.

The byte $b \in \{0, \dots, 255\}$ represents the interval $[b, b + 1)$ of $[0, 256)$:

$$ x = \frac{2b + 1}{256} - 1 \;\text{(its middle)}, $$
$$ x = \frac{2(b + u)}{256} - 1,\; u \sim U[0, 1) \;\text{(dequantised)}, $$

and $b = \lfloor 128 (x + 1) \rfloor$ is the inverse of both. Bytes fill [-1, 1] evenly, so that a density $p$
of the dequantised $x$ bounds the log-mass of the bytes: $\log P(b) \ge E_u \log p(x) - D \log 128$ (Theis et
al.).
"""

from collections.abc import Mapping
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from genjax_models.core.types import Array, Key
from genjax_models.data.spec import Field
from genjax_models.modalities.modality import Modality, Writer, clip, write_arrays


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


def binarize(key: Key, x: Array) -> Array:
    """Bytes `[B, ...]` -> bits, 0 or 1 in float32, 1 with probability `x / 255`: the dynamic binarisation of MNIST.

    Raises:
      TypeError: if `x` is not `uint8`.

    References:
      Burda et al., Importance Weighted Autoencoders, 2016, https://arxiv.org/abs/1509.00519, section 5
    """
    return jax.random.bernoulli(key, _bytes(x) / 255).astype(jnp.float32)


def binarize_once(x: Array) -> Array:
    """One draw of `binarize` for each image, the same whenever it comes by: the static binarisation of MNIST.

    Its key is a checksum of the image's own bytes.
    """
    flat = x.reshape(x.shape[0], -1).astype(jnp.uint32)
    factors = np.cumprod(np.full(flat.shape[1], 2654435761, np.uint32))  # Knuth's; the product wraps around
    keys = jax.vmap(jax.random.fold_in, (None, 0))(jax.random.key(0), (flat * factors[None]).sum(axis=1))
    return jax.vmap(binarize)(keys, x)


def random_flip(key: Key, x: Array) -> Array:
    """Mirrors each image of `x` `[B, ..., H, W, C]` left to right with probability one half, in any dtype.

    The frames of one video are mirrored together.
    """
    flip = jax.random.bernoulli(key, shape=(x.shape[0],))
    return jnp.where(flip.reshape(-1, *[1] * (x.ndim - 1)), x[..., ::-1, :], x)


def _bytes(x: Array) -> Array:
    if x.dtype != jnp.uint8:
        raise TypeError(f"expected images as uint8 bytes, got {x.dtype}")
    return x.astype(jnp.float32)


def write_grid(stored: np.ndarray, path: Path, field: Field) -> None:
    """The images side by side in one picture."""
    from genjax_models.report import save_grid  # noqa: PLC0415

    save_grid(stored, path)


def write_animation(stored: np.ndarray, path: Path, field: Field) -> None:
    """A path `[T, N, H, W, C]` as an animation of grids."""
    from genjax_models.report import save_animation  # noqa: PLC0415

    save_animation(stored, path)


def visible(field: Field) -> bool:
    """Whether pixels have the 1 or 3 channels that pictures need."""
    return field.shape[-1] in (1, 3)


def formats(field: Field) -> Mapping[str, Writer]:
    """A picture, where the channels allow it, and the bytes."""
    return ({".png": write_grid} if visible(field) else {}) | {".npz": write_arrays}


def path_formats(field: Field) -> Mapping[str, Writer]:
    """An animation, where the channels allow it."""
    return {".gif": write_animation} if visible(field) else {}


IMAGE = Modality(
    "image",
    formats,
    preview_num=64,
    to_model=to_float,
    dequantize=dequantize,
    to_stored=to_uint8,
    clip=clip,
    mirror=random_flip,
    path_formats=path_formats,
)
