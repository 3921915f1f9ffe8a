r"""Layers that preserve magnitude: inputs of unit variance give outputs of unit variance, for any weights.

With $|v| = \sqrt{\mathrm{mean}(v^2)}$ over the inputs of each output, weights $v$ and $n$ inputs,

$$\mathrm{conv}(x) = \frac{v}{|v|\sqrt n} * x, \qquad \mathrm{silu}'(x) = \frac{\mathrm{silu}(x)}{0.596}, \qquad
\mathrm{sum}_r(a, b) = \frac{(1 - r)\,a + r\,b}{\sqrt{(1 - r)^2 + r^2}},$$

(eq. 47, 81 and 88), the concatenation of $N_a$ and $N_b$ channels in which each side contributes its share of the
magnitude (eq. 103), and Fourier features $\sqrt2\cos(2\pi(f t + \varphi))$ (eq. 75). There are no biases.

Only the direction of $v$ counts, so the parameter is called `direction`, with one column an output. As its length
grows, steps of a given size turn it ever less; `training.optimizers` therefore brings every parameter of that name back
to $|v| = 1$ after each update (eq. 66, *forced* weight normalisation).

References:
  Karras et al., Analyzing and Improving the Training Dynamics of Diffusion Models (EDM2), 2023,
  https://arxiv.org/abs/2312.02696, appendix B
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from genjax_models.core.arrays import at_least_float32, unit_rms
from genjax_models.core.types import Array, Key
from genjax_models.nets.layers.convolution import convolve
from genjax_models.nets.layers.embeddings import frozen_random

SILU_RMS = 0.596
"""Root mean square of silu(x) for x from N(0, 1)."""


def mp_silu(x: Array) -> Array:
    """SiLU, of unit magnitude for x from N(0, 1)."""
    return nn.silu(x) / SILU_RMS


def mp_sum(a: Array, b: Array, share: float) -> Array:
    """`a` and `b` mixed, with `share` of `b`: of unit magnitude if they are, and uncorrelated."""
    return ((1 - share) * a + share * b) / math.hypot(1 - share, share)


def mp_concat(a: Array, b: Array, share: float = 0.5) -> Array:
    """`[..., A]` and `[..., B]` → `[..., A + B]` of unit magnitude, where `b` has `share` of the sum of magnitudes.

    Both sides have the same share of what follows at 0.5, however many channels each has.
    """
    channels_a, channels_b = a.shape[-1], b.shape[-1]
    scale = math.sqrt(channels_a + channels_b) / math.hypot(1 - share, share)
    a, b = a * (scale * (1 - share) / math.sqrt(channels_a)), b * (scale * share / math.sqrt(channels_b))
    return jnp.concatenate([a, b], axis=-1)


def mp_fourier(t: Array, features: int) -> Array:
    """Cosines of `t` at frequencies from N(0, 1), in periods a unit, and phases from U(0, 1): fixed, not trained.

    Args:
      t: `[B]` float, in EDM2 a quarter of the log of the noise level.
      features: width of the result.

    Returns:
      `[B, features]`, in the precision of `t` but at least float32.
    """
    t = at_least_float32(t)
    frequencies, phases = (jnp.asarray(2 * np.pi * a, t.dtype)[None, :] for a in frozen_random(features))
    return math.sqrt(2) * jnp.cos(t[:, None] * frequencies + phases)


def unit_direction(key: Key, shape: tuple[int, ...], dtype: jnp.dtype = jnp.float32) -> Array:
    """Normal weights `[..., inputs, outputs]`, each output's brought to unit root mean square."""
    return unit_rms(jax.random.normal(key, shape, dtype), tuple(range(len(shape) - 1)))


def _weights(direction: Array, gain: Array | float, dtype: jnp.dtype) -> Array:
    """What the inputs are multiplied with: `[..., inputs, outputs]`, of length `gain` for each output."""
    inputs = math.prod(direction.shape[:-1])
    return (unit_rms(direction, tuple(range(direction.ndim - 1))) * (gain / math.sqrt(inputs))).astype(dtype)


class MPDense(nn.Module):
    """A dense layer on the last axis that preserves magnitude.

    Attributes:
      features: width of the result.
      dtype: of the computation; parameters stay float32.
    """

    features: int
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array, gain: Array | float = 1.0) -> Array:
        """`x` `[..., D]` → `[..., features]`, times the scalar `gain`."""
        direction = self.param("direction", unit_direction, (x.shape[-1], self.features))
        y = x.astype(self.dtype).reshape(-1, x.shape[-1]) @ _weights(direction, gain, self.dtype)
        return y.reshape((*x.shape[:-1], self.features))


class MPConv3x3(nn.Module):
    """A 3x3 convolution, with zeros outside, that preserves magnitude.

    Attributes:
      features: channels of the result.
      dtype: of the computation; parameters stay float32.
    """

    features: int
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array, gain: Array | float = 1.0) -> Array:
        """`x` `[B, H, W, C]` → `[B, H, W, features]`, times the scalar `gain`."""
        direction = self.param("direction", unit_direction, (3, 3, x.shape[-1], self.features))
        return convolve(x.astype(self.dtype), _weights(direction, gain, self.dtype), padding=1)
