r"""FactorVAE: the total correlation by the logit of a discriminator, $\ell^* = \log q(z) - \log \prod_j q(z_j)$.

$$\text{reconstruction} + KL + \gamma\,E_{q(z)}[\ell(z)]$$

(Kim and Mnih, eq. 2 and algorithm 2). Draws of the product come from those of $q(z)$ by shuffling each latent variable
over the batch by itself.

References:
  Kim and Mnih, Disentangling by Factorising, 2018, https://arxiv.org/abs/1802.05983
"""

from collections.abc import Callable
from typing import NamedTuple

import jax

from genjax_models.core.types import Array, Key, LossOutput
from genjax_models.families.gan.losses import minimax_discriminator
from genjax_models.families.vae.elbo import Decoder, divergence
from genjax_models.families.vae.likelihoods import ObservationModel
from genjax_models.families.vae.posteriors import Encoder


class FactorVAELosses(NamedTuple):
    """What each of the two networks minimises by its own parameters alone."""

    autoencoder: LossOutput
    discriminator: LossOutput


def permute_dims(key: Key, z: Array) -> Array:
    """Each latent variable of `z` `[B, D]` shuffled over the batch by itself (algorithm 1).

    The batch is this one, on one device: `shard_map`, `pmap` and accumulation hand over a part of the whole one.
    """
    return jax.random.permutation(key, z, axis=0, independent=True)


def factor_vae_loss(
    key: Key,
    encode: Encoder,
    decode: Decoder,
    discriminate: Callable[[Array], Array],
    x: Array,
    *,
    likelihood: ObservationModel,
    gamma: Array | float,
) -> LossOutput:
    r"""What the encoder and the decoder minimise.

    Args:
      key: one typed PRNG key, consumed.
      encode: `x -> Posterior` of `[B, D]`, already bound to its parameters.
      decode: `z -> raw`, likewise.
      discriminate: `z [B, D] -> logit [B]`, high for draws of $q(z)$; its parameters must be no variables here.
      x: data, `[B, ...]`, as `likelihood` takes it.
      likelihood: what the raw output means.
      gamma: weight of the total correlation.

    Returns:
      `LossOutput` with `value` `[B]`, and in `aux` `reconstruction`, `kl` and `total_correlation`, nats.
    """
    posterior = encode(x)
    z, log_q = posterior.sample(key)
    reconstruction = -likelihood.log_prob(decode(z), x)
    kl = divergence(posterior, z, log_q).sum(axis=-1)
    tc = discriminate(z)
    parts = {"reconstruction": reconstruction, "kl": kl, "total_correlation": tc}
    return LossOutput(reconstruction + kl + gamma * tc, parts)


def factor_discriminator_loss(
    key: Key, encode: Encoder, discriminate: Callable[[Array], Array], x: Array
) -> LossOutput:
    """What the discriminator minimises: draws of the posteriors against shuffled ones, the cross-entropy halved.

    Arguments are those of `factor_vae_loss`; no gradient reaches the encoder. The paper shuffles another batch, here
    the one batch is drawn from twice.

    Returns:
      `LossOutput` with `value` `[B]`, log 2 at chance, and in `aux` its `accuracy`.
    """
    key_z, key_other, key_shuffle = jax.random.split(key, 3)
    posterior = jax.lax.stop_gradient(encode(x))
    joint = discriminate(posterior.sample(key_z)[0])
    product = discriminate(permute_dims(key_shuffle, posterior.sample(key_other)[0]))
    accuracy = 0.5 * ((joint > 0).astype(joint.dtype) + (product < 0).astype(joint.dtype))
    return LossOutput(0.5 * minimax_discriminator(joint, product), {"accuracy": accuracy})


def factor_vae_losses(
    key: Key,
    encode: Encoder,
    decode: Decoder,
    discriminate: Callable[[Array], Array],
    x: Array,
    *,
    likelihood: ObservationModel,
    gamma: Array | float,
) -> FactorVAELosses:
    """Both losses of algorithm 2, `factor_vae_loss` and `factor_discriminator_loss`; arguments are those of the first.

    Each is to be differentiated by the parameters of its own network.
    """
    key_autoencoder, key_discriminator = jax.random.split(key)
    return FactorVAELosses(
        factor_vae_loss(key_autoencoder, encode, decode, discriminate, x, likelihood=likelihood, gamma=gamma),
        factor_discriminator_loss(key_discriminator, encode, discriminate, x),
    )
