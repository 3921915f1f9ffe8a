"""A discriminator of vectors or flattened images: a `Perceptron`, and one logit above its last hidden layer.

References:
  Goodfellow et al., Generative Adversarial Networks, 2014, https://arxiv.org/abs/1406.2661
"""

import flax.linen as nn
import jax.numpy as jnp

from genjax_models.core.types import Array, Condition
from genjax_models.nets.layers.discriminator_output import DiscriminatorOutput
from genjax_models.nets.mlp.perceptron import ACTIVATIONS, Perceptron


class PerceptronDiscriminator(nn.Module):
    """Dense layers with an activation after each, the last of which are the features.

    Attributes:
      widths: of the hidden layers, at least one.
      activation: a key of `perceptron.ACTIVATIONS`.
      num_classes: 0 for an unconditional network; a class enters one-hot.
      dtype: of the computation; parameters stay float32.
    """

    widths: tuple[int, ...] = (128, 128)
    activation: str = "leaky_relu"
    num_classes: int = 0
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self,
        x: Array,
        t: Array | None = None,
        cond: Condition | None = None,
        *,
        train: bool = False,
    ) -> DiscriminatorOutput:
        """The logits and features of `x` `[B, ...]`.

        Raises:
          ValueError: if the activation is unknown, or there is no layer.
        """
        if not self.widths:
            raise ValueError("a discriminator needs at least one hidden layer, got widths=()")
        *widths, features = self.widths
        body = Perceptron(
            (features,), tuple(widths), self.activation, num_classes=self.num_classes, dtype=self.dtype, name="body"
        )
        h = ACTIVATIONS[self.activation](body(x, t, cond))
        logits = nn.Dense(1, dtype=self.dtype, name="logit")(h)[:, 0]
        return DiscriminatorOutput(logits.astype(x.dtype), h.astype(x.dtype))
