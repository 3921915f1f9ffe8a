"""What a discriminator says about images: the result of every discriminator network."""

from typing import NamedTuple

from genjax_models.core.types import Array


class Judgement(NamedTuple):
    """A discriminator's result.

    Attributes:
      logits: `[B]` of whole images, or `[B, h, w]` of patches; larger is more real. Those of a critic are scores.
      features: `[B, D]`, the layer below, on which further heads are built (class, code).
    """

    logits: Array
    features: Array
