r"""Adversarially learned inference: a game over pairs of data and latents, with an encoder on the generator's side.

The discriminator's logit $\ell(x, z)$ separates encoded pairs $(x, E(x))$, with $x$ data, from generated ones
$(G(z), z)$, with $z$ from the prior. With an optimal discriminator, encoder and generator minimise $2\,JSD$ between the
two joint distributions; where that is zero, deterministic ones are each other's inverse. As in the papers, encoder and
generator minimise the discriminator's loss with exchanged labels.

References:
  Donahue et al., Adversarial Feature Learning (BiGAN), 2017, https://arxiv.org/abs/1605.09782
  Dumoulin et al., Adversarially Learned Inference, 2017, https://arxiv.org/abs/1606.00704
"""

from typing import NamedTuple

from genjax_models.core.types import Array
from genjax_models.families.gan.losses import minimax_discriminator, non_saturating_generator


class BiGANLosses(NamedTuple):
    """What each of the three networks minimises by its own parameters alone, `[B]` each."""

    encoder: Array
    generator: Array
    discriminator: Array


def bigan_losses(encoded_logits: Array, generated_logits: Array) -> BiGANLosses:
    r"""Of logits `[B]` at pairs $(x, E(x))$ and $(G(z), z)$, the first of which count as real.

    Encoder and generator that are one player minimise the sum of theirs.
    """
    return BiGANLosses(
        non_saturating_generator(-encoded_logits),
        non_saturating_generator(generated_logits),
        minimax_discriminator(encoded_logits, generated_logits),
    )
