r"""Group normalisation from the first two moments of each channel.

$$y = \frac{x - \mu_g}{\sqrt{\overline{x^2}_g - \mu_g^2 + \epsilon}}\,\gamma_c + \beta_c$$

The means over space are taken channel by channel, and only the `[B, C]` results are pooled into groups: the
big array is read once and never reshaped, and the normalisation is one multiply-add an element. Its two factors
are quotients on purpose: XLA:CPU computes a division once a channel, and cheaper arithmetic anew for every pixel.
"""

import flax.linen as nn
import jax.numpy as jnp
from jax import lax

from genjax_models.core.arrays import at_least_float32
from genjax_models.core.types import Array


class GroupNorm(nn.Module):
    """Group normalisation with a learnt scale and bias a channel, and an optional further modulation.

    Attributes:
      groups: number of groups; divides the channels.
      epsilon: added to the variance.
      dtype: of the result; the moments are taken in float32 or wider.

    References:
      Wu and He, Group Normalization, 2018, https://arxiv.org/abs/1803.08494
    """

    groups: int = 32
    epsilon: float = 1e-5
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array, scale: Array | None = None, shift: Array | None = None) -> Array:
        """Normalise, then apply `y (1 + scale) + shift` if given.

        Args:
          x: `[B, ..., C]`.
          scale, shift: `[B, C]`, a modulation of each example (ADM's adaptive group norm).

        Returns:
          As `x`, in `dtype`.

        Raises:
          ValueError: if the groups do not divide the channels.
        """
        batch, channels = x.shape[0], x.shape[-1]
        if channels % self.groups:
            raise ValueError(f"{self.groups} groups do not divide {channels} channels")
        gamma = self.param("scale", nn.initializers.ones, (channels,))
        beta = self.param("bias", nn.initializers.zeros, (channels,))

        wide = at_least_float32(x)
        space = tuple(range(1, x.ndim - 1))

        def pool(moment: Array) -> Array:
            grouped = moment.reshape(batch, self.groups, -1).mean(axis=-1)
            return jnp.repeat(grouped, channels // self.groups, axis=1)

        mean = pool(wide.mean(axis=space))
        variance = pool(lax.square(wide).mean(axis=space)) - lax.square(mean)
        deviation = jnp.sqrt(jnp.maximum(variance, 0.0) + self.epsilon)
        gain, offset = gamma[None, :], beta[None, :]
        if scale is not None:
            gain, offset = gain * (1 + scale), offset * (1 + scale)
        if shift is not None:
            offset = offset + shift
        gain, offset = gain / deviation, (offset * deviation - mean * gain) / deviation
        over_space = (batch,) + (1,) * len(space) + (channels,)
        return (wide * gain.reshape(over_space) + offset.reshape(over_space)).astype(self.dtype)
