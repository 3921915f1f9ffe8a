"""The loss and the scores of a classifier."""

import jax.numpy as jnp
import optax

from genjax_models.core.types import Array


def classification(logits: Array, label: Array) -> tuple[Array, dict[str, Array]]:
    """The cross-entropy `[B]` of logits `[B, K]` in nats, and whether each example is right, `accuracy` `[B]`."""
    loss = optax.softmax_cross_entropy_with_integer_labels(logits, label)
    return loss, {"accuracy": (logits.argmax(axis=-1) == label).astype(jnp.float32)}
