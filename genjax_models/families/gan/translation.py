r"""Image to image: what the players of pix2pix, CycleGAN and ESRGAN minimise, of images $[-1, 1]$ and logits.

Domain A is $x$, domain B is $y$; $G$ maps A to B and $F$ maps B to A. All distances are means over an image:

$$ \text{pix2pix:}\quad s(-\ell(x, G(x))) + \lambda |y - G(x)|, $$
$$ \text{CycleGAN:}\quad (\ell_B(G(x)) - 1)^2 + (\ell_A(F(y)) - 1)^2
   + \lambda \big(|F(G(x)) - x| + |G(F(y)) - y| + \iota\, (|G(y) - y| + |F(x) - x|)\big), $$
$$ \text{ESRGAN:}\quad |\phi(G(x)) - \phi(y)| + \lambda\,(s(\bar r - f) + s(r - \bar f)) + \eta |y - G(x)|, $$

with $s$ the softplus, $\ell$ the logits of discriminators, $\phi$ a hidden layer of a network that is not trained, and
$r$, $f$ the logits of real and generated images with bars for means over the batch.

References:
  Isola et al., Image-to-Image Translation with Conditional Adversarial Networks, 2017, https://arxiv.org/abs/1611.07004
  Zhu et al., Unpaired Image-to-Image Translation (CycleGAN), 2017, https://arxiv.org/abs/1703.10593
  Wang et al., ESRGAN, 2018, https://arxiv.org/abs/1809.00219
"""

from typing import NamedTuple

import jax.numpy as jnp

from genjax_models.core.arrays import mean_over_data
from genjax_models.core.types import Array, LossOutput
from genjax_models.families.gan.losses import GAMES, least_squares_generator


def absolute_error(x: Array, y: Array) -> Array:
    """The mean of $|x - y|$ over each example, `[B, ...]` twice -> `[B]`."""
    return mean_over_data(jnp.abs(x - y))


def pix2pix_generator(fake_logits: Array, fake: Array, y: Array, *, l1_weight: float = 100.0) -> LossOutput:
    """Eq. 4 of Isola et al., in the non-saturating game.

    Args:
      fake_logits: of the discriminator at (x, G(x)), `[B]`, or `[B, h, w]` of patches.
      fake: G(x), `[B, H, W, C]`.
      y: what it should be.
      l1_weight: of the absolute error.

    Returns:
      `value` `[B]`; aux `gan` and `l1`.
    """
    gan = GAMES["non_saturating"].generator(fake_logits, fake_logits)
    l1 = absolute_error(fake, y)
    return LossOutput(gan + l1_weight * l1, {"gan": gan, "l1": l1})


def pix2pix_discriminator(real_logits: Array, fake_logits: Array) -> LossOutput:
    """The cross-entropy of telling (x, y) from (x, G(x)), halved as in their section 3.3: `[B]`."""
    return LossOutput(0.5 * GAMES["non_saturating"].discriminator(real_logits, fake_logits), {})


class Cycle(NamedTuple):
    """An image and what becomes of it.

    Attributes:
      image: of one domain, `[B, H, W, C]`.
      fake_logits: of the other domain's discriminator at its translation, `[B]` or `[B, h, w]`.
      back: its translation, translated back: as `image`.
      same: the output for `image` of the network into its own domain, which should be `image`; or `None`, as where the
        domains differ in channels.
    """

    image: Array
    fake_logits: Array
    back: Array
    same: Array | None = None


def cycle_gan_generators(x: Cycle, y: Cycle, *, cycle_weight: float = 10.0, identity_weight: float = 0.5) -> LossOutput:
    """What both generators of a CycleGAN minimise together (eq. 3, with section 5.2's identity loss).

    Args:
      x: of domain A.
      y: of domain B.
      cycle_weight: of the absolute errors around the cycle; the paper's lambda.
      identity_weight: of the identity loss, as a part of `cycle_weight`, where there is `same`.

    Returns:
      `value` `[B]`; aux `gan`, `cycle`, and `identity`, 0 where there is none.
    """
    gan = cycle = identity = jnp.zeros(x.image.shape[0])
    for side in (x, y):
        gan += 2.0 * mean_over_data(least_squares_generator(side.fake_logits))  # ours is half of the paper's
        cycle += absolute_error(side.back, side.image)
        if side.same is not None:
            identity += absolute_error(side.same, side.image)
    value = gan + cycle_weight * (cycle + identity_weight * identity)
    return LossOutput(value, {"gan": gan, "cycle": cycle, "identity": identity})


def cycle_gan_discriminator(real_logits: Array, fake_logits: Array) -> LossOutput:
    """Half the squared distances of real from 1 and of fake from 0, `[B]`: least squares, halved as in section 4."""
    return LossOutput(GAMES["least_squares"].discriminator(real_logits, fake_logits), {})


def esrgan_generator(
    real_logits: Array,
    fake_logits: Array,
    fake: Array,
    y: Array,
    fake_features: Array | None = None,
    features: Array | None = None,
    *,
    gan_weight: float = 5e-3,
    l1_weight: float = 1e-2,
) -> LossOutput:
    """Eq. 3 of Wang et al.

    Args:
      real_logits: of the discriminator at `y`, `[B]`.
      fake_logits: at `fake`.
      fake: the enlarged images, `[B, H, W, C]`.
      y: what they should be.
      fake_features: a hidden layer of a classifier at `fake`, `[B, ...]`, or `None`.
      features: the same at `y`.
      gan_weight: the paper's lambda.
      l1_weight: the paper's eta.

    Returns:
      `value` `[B]`; aux `gan`, `l1`, and `perceptual` where there are features.
    """
    gan = GAMES["relativistic_average"].generator(real_logits, fake_logits)
    l1 = absolute_error(fake, y)
    value, terms = gan_weight * gan + l1_weight * l1, {"gan": gan, "l1": l1}
    if fake_features is not None and features is not None:
        terms["perceptual"] = absolute_error(fake_features, features)
        value = value + terms["perceptual"]
    return LossOutput(value, terms)


def esrgan_discriminator(real_logits: Array, fake_logits: Array) -> LossOutput:
    """Eq. 1: whether real images look realer than the average fake, and fakes less so than the average real."""
    return LossOutput(GAMES["relativistic_average"].discriminator(real_logits, fake_logits), {})
