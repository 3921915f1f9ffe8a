"""The result of every discriminator network: logits, and the features below them."""

from typing import NamedTuple

from genjax_models.core.types import Array


class DiscriminatorOutput(NamedTuple):
    """A discriminator's result.

    Attributes:
      logits: `[B]` of whole images, or `[B, h, w]` of patches; larger is more real. Those of a critic are scores.
      features: `[B, D]`, the layer below, on which further heads are built (class, code).
    """

    logits: Array
    features: Array
