r"""Bounds and likelihoods from several draws of the latent variables.

$$\mathcal L_K = E\left[\log \frac1K \sum_{k=1}^K w_k\right] \le \log p(x), \qquad
w_k = \frac{p(x, z_k)}{q(z_k \mid x)}, \quad z_k \sim q(z \mid x),$$

which rises with K (Burda et al., theorem 1). With $\tilde w_k = w_k / \sum_j w_j$, its gradient to the parameters
$\phi$ of the posterior has a form without the score of $q$, of lower variance (Tucker et al.):

$$\nabla_\phi \mathcal L_K = E\left[\sum_k \tilde w_k^2\, \frac{\partial \log w_k}{\partial z_k}
\frac{\partial z_k}{\partial \phi}\right].$$

At K = 1 it is the path gradient of Roeder et al. ("sticking the landing"), which vanishes draw by draw where the
posterior is exact.

References:
  Burda et al., Importance Weighted Autoencoders, 2016, https://arxiv.org/abs/1509.00519
  Roeder et al., Sticking the Landing, 2017, https://arxiv.org/abs/1703.09194
  Tucker et al., Doubly Reparameterized Gradient Estimators, 2019, https://arxiv.org/abs/1810.04152
"""

import jax
import numpy as np

from genjax_models.core.checks import check_count
from genjax_models.core.densities import Density
from genjax_models.core.likelihood import importance
from genjax_models.core.types import Array, Key, Likelihood, LossOutput
from genjax_models.families.vae.elbo import Decoder, log_prior
from genjax_models.families.vae.likelihoods import ObservationModel
from genjax_models.families.vae.posteriors import Encoder


def iwae_loss(
    key: Key,
    encode: Encoder,
    decode: Decoder,
    x: Array,
    *,
    likelihood: ObservationModel,
    num_samples: int,
    prior: Density | None = None,
) -> LossOutput:
    r"""One draw of $-\mathcal L_K$, with the gradient of the reparameterised draws.

    Args:
      key: one typed PRNG key, consumed.
      encode: `x -> Posterior`, already bound to its parameters.
      decode: `z -> raw`, likewise; it is mapped over the draws.
      x: data, `[B, ...]`, as `likelihood` takes it.
      likelihood: what the raw output means.
      num_samples: K; all of them are in memory at once.
      prior: of the latent variables; None is the standard normal.

    Returns:
      `LossOutput` with `value` `[B]` nats, and in `aux` the effective sample size $1 / \sum_k \tilde w_k^2$, `ess`.

    Raises:
      ValueError: if there is no sample.
    """
    check_count("num_samples", num_samples)
    z, log_q = jax.vmap(encode(x).sample)(jax.random.split(key, num_samples))
    log_w = _log_joint(z, decode, x, likelihood, prior) - log_q
    return LossOutput(-_log_mean_exp(log_w), {"ess": _effective_sample_size(log_w)})


def dreg_loss(
    key: Key,
    encode: Encoder,
    decode: Decoder,
    x: Array,
    *,
    likelihood: ObservationModel,
    num_samples: int,
    prior: Density | None = None,
) -> LossOutput:
    """The value of `iwae_loss` with the doubly reparameterised gradient, at one more backward pass through the decoder.

    Arguments and results are those of `iwae_loss`. Parameters of the decoder and of the prior have the gradient that
    they have there. With one sample this is the ELBO with the gradient of Roeder et al.
    """
    check_count("num_samples", num_samples)
    posterior = encode(x)
    z, _ = jax.vmap(posterior.sample)(jax.random.split(key, num_samples))
    fixed = jax.lax.stop_gradient(posterior)

    def log_weights(z: Array) -> Array:
        return _log_joint(z, decode, x, likelihood, prior) - jax.vmap(fixed.log_prob)(z)

    log_w, pull = jax.vjp(log_weights, jax.lax.stop_gradient(z))
    (direction,) = pull(jax.nn.softmax(log_w, axis=0) ** 2)
    # Linear in the draws, with the value zero: its gradient is phi's; that of log_w, at fixed draws, is theta's.
    path = (jax.lax.stop_gradient(direction) * z).sum(axis=(0, *range(2, z.ndim)))
    value = -_log_mean_exp(log_w) - (path - jax.lax.stop_gradient(path))
    return LossOutput(value, {"ess": _effective_sample_size(log_w)})


def importance_log_prob(
    key: Key,
    encode: Encoder,
    decode: Decoder,
    x: Array,
    *,
    likelihood: ObservationModel,
    num_samples: int = 5000,
    prior: Density | None = None,
    chunk: int = 100,
) -> Likelihood:
    """The log-likelihood estimated by importance sampling from the posterior, on average a lower bound.

    Args:
      key: one typed PRNG key, consumed.
      encode: as in `iwae_loss`, and so are `decode`, `x`, `likelihood` and `prior`.
      num_samples: K, at least 2 for a standard error; papers take 5000.
      chunk: draws in memory at once.

    Returns:
      `Likelihood` of kind `importance(K)` `[B]`, nats; for `stderr` see `core.likelihood.importance`.

    Raises:
      ValueError: if there is no sample, or none in memory at once.
    """
    check_count("num_samples", num_samples)
    check_count("chunk", chunk)
    posterior = encode(x)

    def one(key: Key) -> Array:
        z, log_q = posterior.sample(key)
        return _log_joint(z[None], decode, x, likelihood, prior)[0] - log_q

    log_w = jax.lax.map(one, jax.random.split(key, num_samples), batch_size=min(chunk, num_samples))
    return importance(log_w)


def _log_joint(z: Array, decode: Decoder, x: Array, likelihood: ObservationModel, prior: Density | None) -> Array:
    """`log p(x, z)` of draws `[K, B, ...]`: `[K, B]`."""
    return jax.vmap(lambda z: likelihood.log_prob(decode(z), x) + log_prior(prior, z))(z)


def _log_mean_exp(log_w: Array) -> Array:
    return jax.nn.logsumexp(log_w, axis=0) - np.log(log_w.shape[0])


def _effective_sample_size(log_w: Array) -> Array:
    return 1.0 / (jax.nn.softmax(jax.lax.stop_gradient(log_w), axis=0) ** 2).sum(axis=0)
