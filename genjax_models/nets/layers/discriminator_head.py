r"""The last layer of a discriminator: from features to a logit, conditioned on the class.

A conditional discriminator scores the pair (x, y) by one of `CONDITIONING`. By *projection*,

$$\mathrm{logit}(x, y) = w^\top \phi(x) + b + v_y^\top \phi(x),$$

or by *concatenation* of the one-hot class to the image, a constant plane for each class.

References:
  Miyato and Koyama, cGANs with Projection Discriminator, 2018, https://arxiv.org/abs/1802.05637
  Mirza and Osindero, Conditional Generative Adversarial Nets, 2014, https://arxiv.org/abs/1411.1784
"""

from collections.abc import Callable

import flax.linen as nn
import jax.numpy as jnp

from genjax_models.core.types import Array, Condition
from genjax_models.nets.layers.conditions import append_class, one_hot_of
from genjax_models.nets.layers.discriminator_output import DiscriminatorOutput

CONDITIONING = ("projection", "concat")


def hear_class(x: Array, cond: Condition | None, num_classes: int, conditioning: str) -> tuple[Array, Array | None]:
    """What a discriminator's body and its head are to see of images and their classes.

    Args:
      x: `[B, H, W, C]`.
      cond: `{"label": int32 [B]}`; without it, every example gets the null class, which is zeros.
      num_classes: K, or 0 for an unconditional network.
      conditioning: one of `CONDITIONING`.

    Returns:
      For the body, `[B, H, W, C]`, or `[B, H, W, C + K]` with the class appended; for the head, the one-hot class
      `[B, K]` in the dtype of `x`, or `None`.

    Raises:
      ValueError: if `conditioning` is unknown, or a label is given to a network without classes.
    """
    if conditioning not in CONDITIONING:
        raise ValueError(f"conditioning={conditioning!r} is unknown; choose among {', '.join(CONDITIONING)}")
    if num_classes and conditioning == "projection":
        return x, one_hot_of(cond, num_classes, x.shape[0]).astype(x.dtype)
    return append_class(x, cond, num_classes), None


class DiscriminatorHead(nn.Module):
    """A logit from features and, for a projection, the class.

    Attributes:
      dense: `features -> layer`, for the logit (with `use_bias=True`) and the table of classes (without).
    """

    dense: Callable[..., nn.Module] = nn.Dense

    @nn.compact
    def __call__(self, features: Array, one_hot: Array | None = None) -> DiscriminatorOutput:
        """`features` `[B, D]` and the class `[B, K]` or `None` → the result in float32."""
        logits = self.dense(1, name="logit")(features)[:, 0]
        if one_hot is not None:
            logits += (self.dense(features.shape[-1], use_bias=False, name="class")(one_hot) * features).sum(axis=1)
        return DiscriminatorOutput(logits.astype(jnp.float32), features.astype(jnp.float32))
