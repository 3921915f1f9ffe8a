r"""Losses of both players by the names of their papers, `[B]` each: short forms of `GAMES` and of the penalties.

Each player minimises its own loss over its own parameters. Some are functions of the discriminator's logits of data and
of fakes; those with a penalty are functions of the discriminator.

References:
  Goodfellow et al., Generative Adversarial Networks, 2014, https://arxiv.org/abs/1406.2661
  Mao et al., Least Squares Generative Adversarial Networks, 2017, https://arxiv.org/abs/1611.04076
  Lim and Ye, Geometric GAN, 2017, https://arxiv.org/abs/1705.02894
  Gulrajani et al., Improved Training of Wasserstein GANs, 2017, https://arxiv.org/abs/1704.00028
  Mescheder et al., Which Training Methods for GANs do actually Converge?, 2018, https://arxiv.org/abs/1801.04406
  Huang et al., The GAN is dead; long live the GAN!, 2024, https://arxiv.org/abs/2501.05441
"""

from typing import NamedTuple

import jax

from genjax_models.core.types import Array, Key
from genjax_models.families.gan.losses import GAMES
from genjax_models.families.gan.penalties import Discriminator, gradient_penalty, zero_centred_penalty


class GANLosses(NamedTuple):
    """What each of the two networks minimises by its own parameters alone, `[B]` each."""

    discriminator: Array
    generator: Array


def nonsaturating_losses(real: Array, fake: Array) -> GANLosses:
    r"""The first GAN's, $-\log D(x) - \log(1 - D(G(z)))$ and $-\log D(G(z))$ (eq. 1 and section 3), $D = \sigma(\ell)$.

    Args:
      real: logits of data, `[B]`, or `[B, h, w]` of patches.
      fake: logits of fakes, likewise.
    """
    return _play("non_saturating", real, fake)


def lsgan_losses(real: Array, fake: Array) -> GANLosses:
    r"""LSGAN's, $\frac12(r - 1)^2 + \frac12 f^2$ and $\frac12(f - 1)^2$ (eq. 9), of the same logits."""
    return _play("least_squares", real, fake)


def hinge_losses(real: Array, fake: Array) -> GANLosses:
    r"""The hinge's, $\max(0, 1 - r) + \max(0, 1 + f)$ and $-f$, of the same logits."""
    return _play("hinge", real, fake)


def wgan_gp_losses(
    key: Key, discriminate: Discriminator, real: Array, fake: Array, *, gp_weight: float = 10.0
) -> GANLosses:
    r"""WGAN-GP's, $f - r + \lambda(\lVert\nabla\ell(\hat x)\rVert - 1)^2$ and $-f$ (eq. 3).

    Args:
      key: one typed PRNG key, consumed.
      discriminate: `x [B, ...] -> logits`, the critic, bound to its parameters.
      real: data, `[B, ...]` float.
      fake: fakes of the same shape; the penalty has no gradient to them.
      gp_weight: $\lambda$. The paper's critic moves five times for each time that its generator does.

    Raises:
      ValueError: if data and fakes differ in shape.
    """
    discriminator, generator = _play("wasserstein", discriminate(real), discriminate(fake))
    penalty = gradient_penalty(key, discriminate, real, jax.lax.stop_gradient(fake))
    return GANLosses(discriminator + gp_weight * penalty, generator)


def r3gan_losses(discriminate: Discriminator, real: Array, fake: Array, *, gamma: float) -> GANLosses:
    r"""R3GAN's, $\log(1 + e^{f - r}) + R_1 + R_2$ and $\log(1 + e^{r - f})$: the relativistic pairing game.

    Args:
      discriminate: `x [B, ...] -> logits`, bound to its parameters.
      real: data, `[B, ...]` float; `real[i]` is paired with `fake[i]`.
      fake: fakes of the same shape; the penalties have no gradient to them.
      gamma: $\gamma$ of both penalties; the paper's depends on the data.
    """
    discriminator, generator = _play("relativistic", discriminate(real), discriminate(fake))
    penalties = r1_penalty(discriminate, real, gamma) + r2_penalty(discriminate, jax.lax.stop_gradient(fake), gamma)
    return GANLosses(discriminator + penalties, generator)


def r1_penalty(discriminate: Discriminator, real: Array, gamma: float = 10.0) -> Array:
    r"""$R_1 = \frac\gamma2\lVert\nabla\ell(x)\rVert^2$ at data (eq. 9), `[B]`: for the discriminator's loss.

    Args:
      discriminate: `x [B, ...] -> logits`, bound to its parameters.
      real: data, `[B, ...]` float.
      gamma: $\gamma$.
    """
    return gamma * zero_centred_penalty(discriminate, real)


def r2_penalty(discriminate: Discriminator, fake: Array, gamma: float = 10.0) -> Array:
    r"""$R_2$, the same at fakes (eq. 10), through which no gradient should go."""
    return gamma * zero_centred_penalty(discriminate, fake)


def _play(name: str, real: Array, fake: Array) -> GANLosses:
    return GANLosses(GAMES[name].discriminator(real, fake), GAMES[name].generator(real, fake))
