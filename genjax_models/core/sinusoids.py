r"""Angles and their points on the circle.

Under every sinusoidal embedding of a scalar are the angles $1000\,t\,\omega_j$ at geometrically spaced frequencies

$$\omega_j = 10000^{-j/(h - \mathrm{shift})}, \qquad 0 \le j < h$$

(Vaswani et al., 2017; Ho et al., 2020). Our times run over [0, 1]; the factor 1000 gives them the range of the papers'
integer steps.
"""

import jax.numpy as jnp
import numpy as np

from genjax_models.core.arrays import at_least_float32
from genjax_models.core.types import Array


def cosines_and_sines(angle: Array) -> Array:
    """Points of circles: the cosines, then the sines, along the last axis, `[..., n]` to `[..., 2 n]`."""
    return jnp.concatenate([jnp.cos(angle), jnp.sin(angle)], axis=-1)


def angles(t: Array, features: int, *, freq_shift: float = 0.0) -> Array:
    """The angles whose sines and cosines make an embedding of width `features`.

    Args:
      t: `[B]`; multiplied by 1000 before the frequencies.
      features: width of the embedding, even.
      freq_shift: 0 ends just above 1/10000, 1 on it.

    Returns:
      `[B, features / 2]`, in the precision of `t` but at least float32.

    Raises:
      ValueError: if `features` is odd, or not above twice `freq_shift`.

    References:
      Vaswani et al., Attention Is All You Need, 2017, https://arxiv.org/abs/1706.03762
      Ho et al., Denoising Diffusion Probabilistic Models, 2020, https://arxiv.org/abs/2006.11239
    """
    half = features // 2
    if features % 2 or half <= freq_shift:
        raise ValueError(f"expected an even number of features above {2 * freq_shift:g}, got {features}")
    t = at_least_float32(t)
    omega = jnp.exp(-np.log(10_000.0) * jnp.arange(half, dtype=t.dtype) / (half - freq_shift))
    return 1000.0 * t[:, None] * omega[None, :]
