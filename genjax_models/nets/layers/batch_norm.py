r"""Batch normalisation, the one layer in which examples see each other.

$$y = \frac{x - \mu}{\sqrt{\overline{x^2} - \mu^2 + \epsilon}}\,\gamma + \beta$$

with the means over batch and space, and, where an axis is named, over the shards of that mapped axis. A layer that
trains normalises by this batch's own moments and leaves them in the collection `batch_stats`, as they are: there is no
running average. What a layer that does not train normalises by is what that collection holds, so the *standing
statistics* of BigGAN are the mean of the collections of many batches, taken outside with the weights that will be used:

    moments = [net.apply(variables, z, train=True, mutable="batch_stats")[1] for z in batches]
    standing = jax.tree.map(lambda *m: sum(m) / len(m), *moments)

References:
  Ioffe and Szegedy, Batch Normalization, 2015, https://arxiv.org/abs/1502.03167
  de Vries et al., Modulating early visual processing by language, 2017, https://arxiv.org/abs/1707.00683
  Brock et al., Large Scale GAN Training for High Fidelity Natural Image Synthesis, 2019, https://arxiv.org/abs/1809.11096
"""

from collections.abc import Callable
from functools import partial

import flax.linen as nn
import jax.numpy as jnp
from jax import lax

from genjax_models.core.arrays import at_least_float32
from genjax_models.core.types import Array

EPSILON = 1e-5


class Normalize(nn.Module):
    """Zero mean and unit variance a channel, without scale and shift.

    Attributes:
      axis_name: of a mapped axis over whose shards the moments are averaged; `None` for none.
    """

    axis_name: str | None = None

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        """`x` `[B, ..., C]` → the same shape, in float32 or wider."""
        channels = x.shape[-1]
        held_mean = self.variable("batch_stats", "mean", jnp.zeros, (channels,))
        held_variance = self.variable("batch_stats", "var", jnp.ones, (channels,))
        wide = at_least_float32(x)
        mean, variance = held_mean.value, held_variance.value
        if train:
            over = tuple(range(x.ndim - 1))
            moments = wide.mean(over), lax.square(wide).mean(over)
            starting = self.is_initializing()  # outside of the mapped axis, and nothing to be remembered
            if self.axis_name is not None and not starting:
                moments = lax.pmean(moments, self.axis_name)
            mean, variance = moments[0], jnp.maximum(moments[1] - lax.square(moments[0]), 0.0)
            if self.is_mutable_collection("batch_stats") and not starting:
                held_mean.value, held_variance.value = mean, variance
        gain = lax.rsqrt(variance + EPSILON)
        over_space = (1,) * (x.ndim - 1) + (channels,)
        return wide * gain.reshape(over_space) - (mean * gain).reshape(over_space)


class BatchNorm(nn.Module):
    """Batch normalisation with a learned scale and bias per channel.

    Attributes:
      axis_name: of a mapped axis over whose shards the moments are averaged; `None` for none.
      dtype: of the result; the moments are taken in float32 or wider.
    """

    axis_name: str | None = None
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array, *, train: bool) -> Array:
        """`x` `[B, ..., C]` → as `x`, in `dtype`; `train` chooses this batch's moments over those in `batch_stats`."""
        scale = self.param("scale", nn.initializers.ones, (x.shape[-1],))
        bias = self.param("bias", nn.initializers.zeros, (x.shape[-1],))
        over_space = (1,) * (x.ndim - 1) + (x.shape[-1],)
        y = Normalize(self.axis_name, name="moments")(x, train=train)
        return (y * scale.reshape(over_space) + bias.reshape(over_space)).astype(self.dtype)


class ConditionalBatchNorm(nn.Module):
    r"""Batch normalisation with a scale and shift computed from a vector, $y (1 + W_\gamma e) + W_\beta e$.

    For a one-hot class, the two matrices are the tables of the papers, minus their initial values of 1 and 0.

    Attributes:
      axis_name: of a mapped axis over whose shards the moments are averaged; `None` for none.
      dense: `(features, dtype) -> layer` without bias, for both matrices; they are zero at the start by default.
      dtype: of the products and the result; the moments are taken in float32 or wider.
    """

    axis_name: str | None = None
    dense: Callable[..., nn.Module] = partial(nn.Dense, use_bias=False, kernel_init=nn.initializers.zeros)
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array, emb: Array, *, train: bool) -> Array:
        """`x` `[B, ..., C]` and `emb` `[B, E]` → as `x`, in `dtype`."""
        y = Normalize(self.axis_name, name="moments")(x, train=train)
        scale, shift = (
            expand(self.dense(x.shape[-1], dtype=self.dtype, name=name)(emb), x.ndim) for name in ("scale", "bias")
        )
        return (y * (1 + scale) + shift).astype(self.dtype)


def expand(modulation: Array, ndim: int) -> Array:
    """`[B, C]` → `[B, 1, ..., 1, C]` of `ndim` axes."""
    return modulation.reshape(modulation.shape[0], *(1,) * (ndim - 2), modulation.shape[-1])
