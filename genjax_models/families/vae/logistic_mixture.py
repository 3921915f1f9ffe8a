r"""Discretised mixtures of logistics: bytes whose colours depend on each other.

With $\sigma$ the sigmoid, a component of mean $m$ and scale $s$ gives the byte in $x \pm h$, $h = 1/256$, the mass

$$\sigma(b) - \sigma(a) = \sigma(b)\,\sigma(-a)\,(1 - e^{a - b}), \qquad
a = \tfrac{x - h - m}{s},\quad b = \tfrac{x + h - m}{s}$$

(eq. 2; the product keeps its digits in both tails), and $\sigma(b)$ or $\sigma(-a)$ to the first and the last byte,
whose intervals reach to infinity. The channels of a pixel share the component, and the mean of each is linear in the
ones before it (eq. 3), of which there are three for RGB and none for grey:

$$p(x) = \sum_{k=1}^K \pi_k \prod_c P_k(x_c \mid x_{<c}), \qquad
m_{kc} = \mu_{kc} + \sum_{c' < c} \tanh(\rho_{kcc'})\, x_{c'}.$$

The raw channels are, in this order, K logits, CK means, CK log-scales and $KC(C-1)/2$ coefficients: 10K for RGB.

References:
  Salimans et al., PixelCNN++, 2017, https://arxiv.org/abs/1701.05517
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

from genjax_models.core.arrays import sum_over_data
from genjax_models.core.checks import check_real, check_same_shape
from genjax_models.core.dequantization import BIN
from genjax_models.core.types import Array, Key
from genjax_models.families.vae.likelihoods import ObservationModel, byte_of, middle_of

MAX_LOG_SCALE = 30.0
"""Upper bound of the log-scales: at it the distribution is flat over the bytes; at 88 a bin's mass would underflow."""


def logistic_mixture(components: int, *, channels: int, min_log_scale: float = -7.0) -> ObservationModel:
    """The likelihood above.

    Args:
      components: K.
      channels: C of the data.
      min_log_scale: floor under the log-scales; the authors' -7.

    Returns:
      An `ObservationModel` of bytes, given as the middles of their bins. `mean` leaves quantisation aside, and clips
      only at the end.

    Raises:
      ValueError: from its functions, if the raw output or the data have not as many channels as they must.
    """
    k, c = components, channels
    rows, columns = np.tril_indices(c, -1)
    sizes = (k, k * c, k * c, k * len(rows))

    def num_params(data_channels: int) -> int:
        if data_channels != c:
            raise ValueError(f"this mixture is of data with {c} channels, got {data_channels}")
        return sum(sizes)

    def split(raw: Array) -> tuple[Array, Array, Array, Array]:
        """Log-weights `[..., K]`, means and log-scales `[..., K, C]`, strictly lower triangles `[..., K, C, C]`."""
        if raw.shape[-1] != sum(sizes):
            raise ValueError(f"a mixture of {k} logistics on {c} channels has {sum(sizes)} raw ones, got {raw.shape}")
        logits, means, log_scales, coefficients = jnp.split(raw, np.cumsum(sizes)[:-1], axis=-1)
        by_component = (*raw.shape[:-1], k, -1)
        coupling = jnp.zeros((*raw.shape[:-1], k, c, c), raw.dtype)
        if c > 1:
            coupling = coupling.at[..., rows, columns].set(jnp.tanh(coefficients.reshape(by_component)))
        return (
            jax.nn.log_softmax(logits, axis=-1),
            means.reshape(by_component),
            jnp.clip(log_scales.reshape(by_component), min_log_scale, MAX_LOG_SCALE),
            coupling,
        )

    def log_prob(raw: Array, x: Array) -> Array:
        check_real("data", x)
        num_params(x.shape[-1])
        check_same_shape("the decoder's output, but for its channels,", raw[..., 0], x[..., 0])
        log_weights, means, log_scales, coupling = split(raw)
        means = means + jnp.einsum("...kcd,...d->...kc", coupling, x)
        log_mass = discretized_logistic_log_prob(x[..., None, :], means, log_scales).sum(axis=-1)
        return sum_over_data(jax.nn.logsumexp(log_weights + log_mass, axis=-1))

    def sample(key: Key, raw: Array) -> Array:
        key_k, key_x = jax.random.split(key)
        log_weights, *rest = split(raw)
        chosen = jax.random.categorical(key_k, log_weights, axis=-1)
        means, log_scales, coupling = (_take_component(array, chosen) for array in rest)
        noise = jnp.exp(log_scales) * jax.random.logistic(key_x, means.shape, means.dtype)
        x = jnp.zeros_like(means)
        for channel in range(c):
            value = means[..., channel] + (coupling[..., channel, :] * x).sum(axis=-1) + noise[..., channel]
            x = x.at[..., channel].set(middle_of(byte_of(value), x.dtype))
        return x

    def mean(raw: Array) -> Array:
        log_weights, means, _, coupling = split(raw)
        x = jnp.zeros_like(means)
        for channel in range(c):
            x = x.at[..., channel].set(means[..., channel] + (coupling[..., channel, :] * x).sum(axis=-1))
        return jnp.clip((jnp.exp(log_weights)[..., None] * x).sum(axis=-2), -1.0, 1.0)

    return ObservationModel(num_params, log_prob, sample, mean)


def discretized_logistic_log_prob(x: Array, mean: Array, log_scale: Array) -> Array:
    """The log-mass that logistics give to the bins of bytes, elementwise, nats.

    Args:
      x: the middles `(2b + 1)/256 - 1` of the bins; the three must broadcast.
      mean: of the logistics.
      log_scale: of the logistics.
    """
    inverse_scale = jnp.exp(-log_scale)
    low, high = (x - 0.5 * BIN - mean) * inverse_scale, (x + 0.5 * BIN - mean) * inverse_scale
    below_high, above_low = jax.nn.log_sigmoid(high), jax.nn.log_sigmoid(-low)
    # log(1 - e^-d) of d = BIN / s, written so that neither a small nor a large one loses its digits.
    inside = below_high + above_low + jnp.log(-jnp.expm1(-BIN * inverse_scale))
    bottom, top = x < -1.0 + BIN, x > 1.0 - BIN
    return jnp.where(bottom, below_high, jnp.where(top, above_low, inside))


def _take_component(array: Array, chosen: Array) -> Array:
    """`array` `[*S, K, ...]` at `chosen` `[*S]`: `[*S, ...]`."""
    flat = array.reshape(math.prod(chosen.shape), *array.shape[chosen.ndim :])
    return flat[jnp.arange(flat.shape[0]), chosen.reshape(-1)].reshape(*chosen.shape, *flat.shape[2:])
