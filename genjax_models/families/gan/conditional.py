r"""Auxiliary-classifier GANs: a second head of the discriminator names the class $c$ of what it sees.

$$L_C = -\log P(c \mid x) - \log P(c \mid G(z, c)),$$

which the discriminator minimises beside its game; the generator minimises its own game and the second term.
Discriminators that score the pair of image and class need no further loss.

References:
  Odena et al., Conditional Image Synthesis with Auxiliary Classifier GANs, 2017, https://arxiv.org/abs/1610.09585
"""

import jax
import jax.numpy as jnp

from genjax_models.core.types import Array


def classification_loss(class_logits: Array, label: Array) -> Array:
    """The cross-entropy of classes: `[B, K]`, `label` `[B]` int -> `[B]` nats; the generator's term, of its fakes."""
    return -jnp.take_along_axis(jax.nn.log_softmax(class_logits), label[:, None], axis=1)[:, 0]


def auxiliary_classifier_loss(
    real_class_logits: Array, label: Array, fake_class_logits: Array, fake_label: Array
) -> Array:
    """$L_C$, the discriminator's term.

    Args:
      real_class_logits: of data, `[B, K]`.
      label: their classes, `[B]` int.
      fake_class_logits: of fakes, `[B, K]`.
      fake_label: the classes that they were made of, `[B]` int.

    Returns:
      `[B]` nats.
    """
    return classification_loss(real_class_logits, label) + classification_loss(fake_class_logits, fake_label)
