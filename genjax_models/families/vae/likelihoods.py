r"""Likelihoods $p(x \mid z)$ of the data given the raw output of a decoder, and the form of the data.

| likelihood             | raw channels for C of the data | data `x`                                      |
|------------------------|--------------------------------|-----------------------------------------------|
| `bernoulli`            | C, logits                      | 0 or 1, as floats                             |
| `gaussian(log_std)`    | C, means                       | real numbers                                  |
| `gaussian_learned`     | 2C, means then log-stds        | real numbers                                  |
| `gaussian_optimal`     | C, means                       | real numbers                                  |
| `categorical`          | 256C, logits, C times 256      | bytes, as floats: the middles of their bins   |
| `logistic_mixture(K)`  | see `logistic_mixture.py`      | bytes, as floats: the middles of their bins   |

The middle of a byte's bin is $(2b + 1)/256 - 1$, so that bytes fill $[-1, 1]$. Only those of bits and of bytes give
probabilities; a Gaussian gives a density, whose values depend on the scale of the data.

The standard deviation of a Gaussian decides how reconstruction weighs against the divergence: a fixed $\sigma$ is a
$\beta$ of $2\sigma^2$ on the squared error. Rybkin et al. learn it, as one number (`gaussian(log_std)` of a
parameter), by the network, or take the best one for the batch, which makes the loss $\frac D2 \log$ MSE:

$$\sigma^{*2} = \frac{1}{BD} \sum_{b, d} (x_{bd} - \mu_{bd})^2.$$

References:
  Kingma and Welling, Auto-Encoding Variational Bayes, 2014, https://arxiv.org/abs/1312.6114
  Rybkin et al., Simple and Effective VAE Training with Calibrated Decoders, 2021, https://arxiv.org/abs/2006.13202
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from genjax_models.core.arrays import sum_over_data
from genjax_models.core.checks import check_real, check_same_shape
from genjax_models.core.dequantization import BIN
from genjax_models.core.errors import UnsupportedError
from genjax_models.core.types import Array, Key


class ObservationModel(NamedTuple):
    """The likelihood of the data given the raw output of a decoder.

    Attributes:
      num_params: channels C of the data -> channels of the raw output.
      log_prob: `(raw [B, ..., num_params(C)], x [B, ..., C]) -> [B]`, nats, summed over the data axes.
      sample: `(key, raw) -> x`, in the form that `log_prob` takes.
      mean: `raw -> [B, ..., C]`, on the scale of `x`: what papers show as a reconstruction.
    """

    num_params: Callable[[int], int]
    log_prob: Callable[[Array, Array], Array]
    sample: Callable[[Key, Array], Array]
    mean: Callable[[Array], Array]


def bernoulli() -> ObservationModel:
    """Independent bits. Of values between 0 and 1 `log_prob` is the cross-entropy, which is no log-probability."""
    return ObservationModel(
        lambda channels: channels,
        _bernoulli_log_prob,
        lambda key, raw: jax.random.bernoulli(key, jax.nn.sigmoid(raw)).astype(raw.dtype),
        jax.nn.sigmoid,
    )


def gaussian(log_std: Array | float = 0.0) -> ObservationModel:
    """Independent normals around the raw output, of one standard deviation: fixed, or a parameter to be learned.

    Args:
      log_std: its logarithm, a scalar.
    """
    return ObservationModel(
        lambda channels: channels,
        lambda raw, x: _normal_log_prob(raw, jnp.asarray(log_std, raw.dtype), x),
        lambda key, raw: raw + jnp.exp(log_std) * jax.random.normal(key, raw.shape, raw.dtype),
        lambda raw: raw,
    )


def gaussian_learned(min_log_std: float = -6.0) -> ObservationModel:
    """Independent normals whose means and standard deviations are the raw output.

    Args:
      min_log_std: a soft floor, without which one constant pixel makes the density infinite (Rybkin et al.).
    """

    def split(raw: Array) -> tuple[Array, Array]:
        mean, log_std = jnp.split(raw, 2, axis=-1)
        return mean, min_log_std + jax.nn.softplus(log_std - min_log_std)

    def sample(key: Key, raw: Array) -> Array:
        mean, log_std = split(raw)
        return mean + jnp.exp(log_std) * jax.random.normal(key, mean.shape, mean.dtype)

    return ObservationModel(
        lambda channels: 2 * channels,
        lambda raw, x: _normal_log_prob(*split(raw), x),
        sample,
        lambda raw: split(raw)[0],
    )


def gaussian_optimal(min_log_std: float = -6.0) -> ObservationModel:
    """The σ-VAE: normals of the standard deviation that suits the batch best, for training.

    `log_prob` couples the examples of a batch, through that one number, and gradients flow into it. The batch is this
    one, on one device: `shard_map`, `pmap` and accumulation hand over a part of the whole one. It is no density
    of data that it has not seen: to sample and to report likelihoods, compute `optimal_log_std` on training data and
    take `gaussian` of it. `sample` raises an `UnsupportedError` that explains this.

    Args:
      min_log_std: a soft floor.
    """

    def log_prob(raw: Array, x: Array) -> Array:
        best = optimal_log_std(raw, x)
        return _normal_log_prob(raw, min_log_std + jax.nn.softplus(best - min_log_std), x)

    def sample(key: Key, raw: Array) -> Array:
        raise UnsupportedError("the optimal variance is that of data: sample from gaussian(optimal_log_std(raw, x))")

    return ObservationModel(lambda channels: channels, log_prob, sample, lambda raw: raw)


def optimal_log_std(mean: Array, x: Array) -> Array:
    r"""$\log \sigma^*$, half the log of the mean squared error over everything: a scalar."""
    return 0.5 * jnp.log(jnp.maximum(((x - mean) ** 2).mean(), jnp.finfo(x.dtype).tiny))


def categorical() -> ObservationModel:
    """Independent bytes, each with 256 logits of its own."""

    def logits(raw: Array) -> Array:
        return raw.reshape(*raw.shape[:-1], raw.shape[-1] // 256, 256)

    def log_prob(raw: Array, x: Array) -> Array:
        check_real("data", x)
        log_p = jax.nn.log_softmax(logits(raw), axis=-1)
        check_same_shape("the decoder's bytes", log_p[..., 0], x)
        return sum_over_data(jnp.take_along_axis(log_p, byte_of(x)[..., None], axis=-1))

    return ObservationModel(
        lambda channels: 256 * channels,
        log_prob,
        lambda key, raw: middle_of(jax.random.categorical(key, logits(raw), axis=-1), raw.dtype),
        lambda raw: jax.nn.softmax(logits(raw), axis=-1) @ middle_of(jnp.arange(256), raw.dtype),
    )


def byte_of(x: Array) -> Array:
    """The byte, `int32`, in whose bin each number of `x` lies; the outermost bins reach to infinity."""
    return jnp.clip(jnp.floor((x + 1.0) / BIN), 0, 255).astype(jnp.int32)


def middle_of(byte: Array, dtype: jnp.dtype = jnp.float32) -> Array:
    """The middle of a byte's bin, `(2b + 1)/256 - 1`."""
    return (byte.astype(dtype) + 0.5) * BIN - 1.0


def _bernoulli_log_prob(raw: Array, x: Array) -> Array:
    check_real("data", x)
    check_same_shape("the decoder's output", raw, x)
    return sum_over_data(x * raw - jax.nn.softplus(raw))


def _normal_log_prob(mean: Array, log_std: Array, x: Array) -> Array:
    check_real("data", x)
    check_same_shape("the decoder's mean", mean, x)
    scaled = (x - mean) * jnp.exp(-log_std)
    return sum_over_data(-0.5 * scaled**2 - log_std - 0.5 * np.log(2.0 * np.pi))
