r"""VDM's learned noise schedule: the log-SNR is a monotone network of time.

$$\lambda(t) = -\gamma(t), \qquad \gamma(t) = \gamma_0
+ (\gamma_1 - \gamma_0)\,\frac{\tilde\gamma(t) - \tilde\gamma(0)}{\tilde\gamma(1) - \tilde\gamma(0)},
\qquad \tilde\gamma(t) = l_1(t) + l_3(\mathrm{sigmoid}(l_2(l_1(t)))),$$

where the three linear maps have positive weights. The two ends are parameters as well: they change the bound, whereas
what lies between them changes only the variance of its estimate.

References:
  Kingma et al., Variational Diffusion Models, 2021, section 4.1 and app. H, https://arxiv.org/abs/2107.00630
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from genjax_models.core.types import Array, Key
from genjax_models.processes.gaussian import GaussianProcess


class Monotone(NamedTuple):
    """Parameters of the schedule; a weight `w` is used as `softplus(w)`.

    Attributes:
      ends: `[2]`, the negated log-SNR at t = 0 and t = 1.
      first: `[2]`, weight and bias of the map from time to one number.
      second: `[2, hidden]`, weights and biases from that number to the hidden layer.
      third: `[hidden]`, weights from the hidden layer back to one number.
    """

    ends: Array
    first: Array
    second: Array
    third: Array


def init_monotone(key: Key, *, log_snr_min: float = -5.0, log_snr_max: float = 13.3, hidden: int = 1024) -> Monotone:
    """Parameters of a schedule that is close to linear between the two log-SNRs."""
    key_bias, key_weight = jax.random.split(key)
    return Monotone(
        ends=jnp.array([-log_snr_max, -log_snr_min]),
        first=jnp.array([_inverse_softplus(log_snr_max - log_snr_min), -log_snr_max]),
        second=jnp.stack([jnp.zeros(hidden), jax.random.normal(key_bias, (hidden,))]),
        third=jax.random.normal(key_weight, (hidden,)) - jnp.log(hidden),
    )


def learned(params: Monotone) -> GaussianProcess:
    """The variance-preserving process of these parameters; gradients flow into them."""
    return GaussianProcess(_alpha, _sigma, params)


def _raw(params: Monotone, t: Array) -> Array:
    line = jax.nn.softplus(params.first[0]) * t + params.first[1]
    weight, bias = params.second.reshape(2, *[1] * t.ndim, -1)
    hidden = jax.nn.sigmoid(line[..., None] * jax.nn.softplus(weight) + bias)
    return line + hidden @ jax.nn.softplus(params.third)


def _gamma(params: Monotone, t: Array) -> Array:
    low, high = _raw(params, jnp.zeros((), t.dtype)), _raw(params, jnp.ones((), t.dtype))
    return params.ends[0] + (params.ends[1] - params.ends[0]) * (_raw(params, t) - low) / (high - low)


def _alpha(params: Monotone, t: Array) -> Array:
    return jnp.exp(0.5 * jax.nn.log_sigmoid(-_gamma(params, t)))


def _sigma(params: Monotone, t: Array) -> Array:
    return jnp.exp(0.5 * jax.nn.log_sigmoid(_gamma(params, t)))


def _inverse_softplus(y: float) -> Array:
    return y + jnp.log(-jnp.expm1(-y))
