r"""The evidence lower bound, and the terms that weigh or hold back its divergence.

$$-\log p(x) \le \underbrace{-E_{q(z \mid x)} \log p(x \mid z)}_{\text{reconstruction}}
+ \underbrace{KL(q(z \mid x)\,\Vert\,p(z))}_{\text{kl}}$$

What is minimised is the reconstruction plus, of the divergence,

| option               | term                                                | source                        |
|----------------------|-----------------------------------------------------|-------------------------------|
| `beta`               | $\beta\,KL$                                         | Higgins et al., eq. 4         |
| `capacity`           | $\beta\,\lvert KL - C \rvert$, C raised in training | Burgess et al., eq. 8         |
| `free_bits`          | $\sum_j \max(\lambda, E_x KL_j)$                    | Kingma et al. 2016, eq. 15    |

A $\beta$ or a capacity that changes in training comes from `schedules`.

References:
  Kingma and Welling, Auto-Encoding Variational Bayes, 2014, https://arxiv.org/abs/1312.6114
  Kingma et al., Improving Variational Inference with Inverse Autoregressive Flow, 2016, https://arxiv.org/abs/1606.04934
  Higgins et al., beta-VAE, 2017, https://openreview.net/forum?id=Sy2fzU9gl
  Burgess et al., Understanding disentangling in beta-VAE, 2018, https://arxiv.org/abs/1804.03599
"""

from collections.abc import Callable

import jax.numpy as jnp

from genjax_models.core.densities import Density, standard_normal
from genjax_models.core.types import Array, Key, LossOutput
from genjax_models.families.vae.likelihoods import ObservationModel
from genjax_models.families.vae.posteriors import Encoder, Posterior

Decoder = Callable[[Array], Array]
"""`z [B, ...] -> raw [B, ...]`, what an `ObservationModel` reads, bound to its parameters and its condition."""


def vae_loss(
    key: Key,
    encode: Encoder,
    decode: Decoder,
    x: Array,
    *,
    likelihood: ObservationModel,
    prior: Density | None = None,
    beta: Array | float = 1.0,
    capacity: Array | float | None = None,
    free_bits: float = 0.0,
    analytic: bool = True,
) -> LossOutput:
    r"""One draw of the negative bound, with its divergence weighed as in the table above.

    Args:
      key: one typed PRNG key, consumed.
      encode: `x -> Posterior`, already bound to its parameters.
      decode: `z -> raw`, likewise.
      x: data, `[B, ...]`, as `likelihood` takes it.
      likelihood: what the raw output means.
      prior: of the latent variables; None is the standard normal.
      beta: weight of the divergence.
      capacity: C, nats; None is none.
      free_bits: $\lambda$, nats a group: an index of the last axis of the latent variables where the divergence has a
        closed form, otherwise all of them together. The mean in the table is over this batch, on one device: where a
        group stays below $\lambda$ every example counts $\lambda$, elsewhere its own divergence.
      analytic: take the closed form of the divergence where there is one; otherwise, and without it, the divergence
        is $\log q(z \mid x) - \log p(z)$ at the draw.

    Returns:
      `LossOutput` with `value` `[B]` nats, and in `aux` the unweighted terms `reconstruction` and `kl`: with no option
      set the value is their sum, and `core.likelihood.elbo` averages draws of `-value` to a `Likelihood`.
    """
    posterior = encode(x)
    z, log_q = posterior.sample(key)
    reconstruction = -likelihood.log_prob(decode(z), x)
    groups = divergence(posterior, z, log_q, prior, analytic=analytic)
    kl = groups.sum(axis=-1)
    penalty = hold_free(groups, free_bits).sum(axis=-1) if free_bits > 0 else kl
    if capacity is not None:
        penalty = jnp.abs(penalty - capacity)
    return LossOutput(reconstruction + beta * penalty, {"reconstruction": reconstruction, "kl": kl})


def beta_vae_loss(
    key: Key, encode: Encoder, decode: Decoder, x: Array, *, likelihood: ObservationModel, beta: Array | float = 4.0
) -> LossOutput:
    r"""$\beta$-VAE, reconstruction $+\,\beta\,KL(q(z \mid x) \Vert N(0, I))$ (Higgins et al., eq. 4).

    Arguments and results are those of `vae_loss`.
    """
    return vae_loss(key, encode, decode, x, likelihood=likelihood, beta=beta)


def divergence(
    posterior: Posterior, z: Array, log_q: Array, prior: Density | None = None, *, analytic: bool = True
) -> Array:
    """The divergence from the prior, in groups: `[B, G]` nats; arguments are those of `vae_loss`.

    G is the last axis of the latent variables in closed form, which is between a normal and the standard normal alone,
    and 1 at a draw.
    """
    closed = posterior.kl() if analytic and prior is None else None
    if closed is None:
        return (log_q - log_prior(prior, z))[:, None]
    return closed.reshape(closed.shape[0], -1, closed.shape[-1]).sum(axis=1)


def log_prior(prior: Density | None, z: Array) -> Array:
    """The prior's log-density of `z` `[B, ...]`: `[B]`; None is the standard normal."""
    return (prior or standard_normal(z.shape[1:])).log_prob(z)


def hold_free(groups: Array, free_bits: float) -> Array:
    r"""`groups` `[B, G]` where their mean over the batch is above $\lambda$, elsewhere $\lambda$, without gradient."""
    return jnp.where(groups.mean(axis=0, keepdims=True) > free_bits, groups, free_bits)
