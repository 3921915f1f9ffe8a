"""Refusals at the borders of the library: shapes and dtypes that would go on to a wrong number without a word.

They look at shapes and dtypes alone, when a program is traced, and cost nothing when it runs.
"""

import jax.numpy as jnp

from genjax_models.core.types import Array, Model


def check_same_shape(what: str, found: Array, like: Array) -> None:
    """Refuse what would broadcast.

    Args:
      what: the name of `found`, for the message.
      found: any array.
      like: an array of the shape that `found` is to have.

    Raises:
      ValueError: if the shapes differ.
    """
    if jnp.shape(found) != jnp.shape(like):
        raise ValueError(f"{what} has shape {list(jnp.shape(found))}, expected {list(jnp.shape(like))}")


def check_real(what: str, x: Array) -> None:
    """Refuse data that are not real numbers, such as bytes whose conversion was forgotten.

    Raises:
      TypeError: if `x` holds anything but floats.
    """
    dtype = jnp.result_type(x)
    if not jnp.issubdtype(dtype, jnp.floating):
        raise TypeError(f"{what} must be real numbers, got {dtype}: convert first (bytes: modalities.image.to_float)")


def check_count(what: str, count: int) -> None:
    """Refuse to average over nothing.

    Args:
      what: what is counted, in the plural.
      count: how many.

    Raises:
      ValueError: if there are none.
    """
    if count < 1:
        raise ValueError(f"expected at least 1 of {what}, got {count}")


def predict(model: Model, x: Array, t: Array) -> Array:
    """The model's output at `x` `[B, ...]` and times `t` `[B]`, `[B, ...]`.

    Raises:
      ValueError: if it has another shape than `x`.
    """
    prediction = model(x, t)
    check_same_shape("the model's output", prediction, x)
    return prediction
