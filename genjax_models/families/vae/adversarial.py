r"""Discriminators beside an autoencoder: the formulas of their games, on logits, are those of `families.gan`.

The logit $\ell$ of a discriminator between $p$ ("real") and $q$ ("fake") minimises

$$E_p\,\mathrm{softplus}(-\ell) + E_q\,\mathrm{softplus}(\ell), \qquad \ell^* = \log p - \log q,$$

so its mean under $p$ estimates $KL(p \Vert q)$.

* An adversarial autoencoder (Makhzani et al.) plays it on the latent variables: draws of the prior are real, codes are
  fake, and the encoder minimises its reconstruction and, in turn, `non_saturating_generator` of its codes.
* FactorVAE: `factor_vae.py`.
* VAE-GAN (Larsen et al.) plays it on the data, and measures the reconstruction by a hidden layer of the discriminator.

References:
  Makhzani et al., Adversarial Autoencoders, 2015, https://arxiv.org/abs/1511.05644
  Larsen et al., Autoencoding beyond pixels using a learned similarity metric, 2016, https://arxiv.org/abs/1512.09300
"""

from typing import NamedTuple

import jax

from genjax_models.core.arrays import sum_over_data
from genjax_models.core.types import Array
from genjax_models.families.gan.losses import minimax_discriminator, non_saturating_generator


class VAEGANLosses(NamedTuple):
    """What each of the three networks minimises by its own parameters alone, `[B]` each."""

    encoder: Array
    decoder: Array
    discriminator: Array


def vae_gan_losses(
    kl: Array,
    features: Array,
    reconstructed_features: Array,
    real_logits: Array,
    reconstructed_logits: Array,
    sampled_logits: Array,
    *,
    gamma: float,
) -> VAEGANLosses:
    r"""Algorithm 1 of Larsen et al., for players that each take their own loss.

    $$L_\mathrm{enc} = KL + L_\mathrm{feat}, \qquad
    L_\mathrm{dec} = \gamma L_\mathrm{feat} + \mathrm{softplus}(-\tilde\ell) + \mathrm{softplus}(-\ell_p), \qquad
    L_\mathrm{dis} = \mathrm{softplus}(-\ell) + \mathrm{softplus}(\tilde\ell) + \mathrm{softplus}(\ell_p),$$

    $L_\mathrm{feat}$ the negative log-density of a unit normal around the reconstruction's features, less its constant
    (eqs. 7 and 8). The paper's decoder maximises $L_\mathrm{dis}$; ours plays the non-saturating game in its place.

    Args:
      kl: of the posterior from the prior, `[B]` nats.
      features: a hidden layer of the discriminator at the data, `[B, ...]`.
      reconstructed_features: the same at the reconstruction.
      real_logits: of the discriminator at the data, `[B]`.
      reconstructed_logits: at the reconstruction, $\tilde\ell$.
      sampled_logits: at the decoder of draws of the prior, $\ell_p$.
      gamma: weight of the reconstruction to the decoder.
    """
    error = 0.5 * sum_over_data((features - reconstructed_features) ** 2)
    return VAEGANLosses(
        kl + error,
        gamma * error + non_saturating_generator(reconstructed_logits) + non_saturating_generator(sampled_logits),
        minimax_discriminator(real_logits, reconstructed_logits) + jax.nn.softplus(sampled_logits),
    )
