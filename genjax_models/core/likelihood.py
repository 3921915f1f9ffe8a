"""Likelihood accounting: bits per dimension, averages of stochastic estimates, and the divergence of two normals."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from genjax_models.core.types import Array, Key, Likelihood


def bits_per_dim(log_prob: Array, dims: int) -> Array:
    r"""$-\log_2 p / D$ of log-likelihoods in nats, any shape; on bytes, `log_prob` must be that of the bytes."""
    return -log_prob / (dims * np.log(2.0))


def averaged(draws: Array, kind: str) -> Likelihood:
    """The mean of independent estimates `[K, B]`, with its standard error: NaN, that is unknown, where K is 1."""
    count = draws.shape[0]
    spread = draws.std(axis=0, ddof=1) if count > 1 else jnp.full_like(draws[0], jnp.nan)
    return Likelihood(draws.mean(axis=0), kind, spread / np.sqrt(count))


def importance(log_weights: Array) -> Likelihood:
    """The logarithm of the mean of importance weights, `log_weights` `[K, B]` nats: on average a lower bound.

    Returns:
      `Likelihood` of kind `importance(K)`; `stderr` by the delta method, the relative error of the mean weight. It is
      too small where no draw has found a part of the truth, and NaN where K is 1.
    """
    count = log_weights.shape[0]
    value = jax.nn.logsumexp(log_weights, axis=0) - np.log(count)
    relative = averaged(jnp.exp(log_weights - value[None]), "")
    return Likelihood(value, f"importance({count})", relative.stderr)


def elbo(key: Key, bound: Callable[[Key], Array], *, samples: int = 1) -> Likelihood:
    """The average of a stochastic lower bound over several draws of its noise, one draw in memory at a time.

    Args:
      key: one typed PRNG key, consumed.
      bound: `key -> [B]`, an unbiased draw of the bound in nats, of data that it has been given:
        `lambda key: -vdm_loss(key, model, x, process=process).value`, say.
      samples: how many draws.

    Returns:
      `Likelihood` of kind `elbo`; `stderr` is over the draws.

    Raises:
      ValueError: if there is no draw.
    """
    if samples < 1:
        raise ValueError(f"a bound needs at least 1 sample, got {samples}")
    return averaged(jax.lax.map(bound, jax.random.split(key, samples)), "elbo")


def normal_kl(mean: Array, log_variance: Array, other_mean: Array, other_log_variance: Array) -> Array:
    r"""$KL(N(m_1, s_1^2)\,\Vert\,N(m_2, s_2^2))$ of each element, nats; the four must broadcast."""
    ratio = log_variance - other_log_variance
    return 0.5 * (jnp.expm1(ratio) - ratio + (mean - other_mean) ** 2 * jnp.exp(-other_log_variance))
