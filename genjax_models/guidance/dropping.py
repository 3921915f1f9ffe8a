"""Dropping conditions in training, so that one network learns all the predictions that guidance combines."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from genjax_models.core.arrays import expand_as
from genjax_models.core.types import Array, Key


def drop_condition(
    key: Key,
    cond: Mapping[str, Array],
    null: Mapping[str, Array | int | float],
    rates: Mapping[str, float],
    together: float = 0.0,
) -> dict[str, Array]:
    """Replace fields of a condition by their null values, example by example.

    A field is dropped with its own rate, independently of the others; or with all the others of `rates`, which happens
    with probability `together`. InstructPix2Pix has 0.05 for the image, the text, and the two together.

    Args:
      key: one typed PRNG key, consumed.
      cond: fields `[B, ...]`.
      null: the null value of each field that may be dropped, of the shape of one example or broadcastable to it.
      rates: probability with which each of them is dropped by itself; fields that are not named are kept.
      together: probability with which all named fields are dropped at once.

    Returns:
      The condition, with fields of the same names, shapes and dtypes.

    Raises:
      ValueError: if a rate names a field that is not in `cond` or has no null value, a rate is outside [0, 1], or a
        null value has another shape than an example.
    """
    names = sorted(rates)
    for rate in (*rates.values(), together):
        if not 0.0 <= rate <= 1.0:
            raise ValueError(f"a rate of dropping must lie in [0, 1], got {rate}")
    for name in names:
        if name not in cond or name not in null:
            raise ValueError(f"field {name!r} cannot be dropped: the condition has {sorted(cond)}, null {sorted(null)}")

    # One field alone consumes the key itself.
    keys = [key] if len(names) == 1 and not together else list(jax.random.split(key, len(names) + 1))
    dropped = dict(cond)
    for name, key_field in zip(names, keys, strict=False):
        value = cond[name]
        drop = jax.random.bernoulli(key_field, rates[name], value.shape[:1])
        if together:
            drop = drop | jax.random.bernoulli(keys[-1], together, value.shape[:1])
        dropped[name] = jnp.where(expand_as(drop, value), _like_example(name, null[name], value), value)
    return dropped


def _like_example(name: str, null: Array | int | float, value: Array) -> Array:
    null, example = jnp.asarray(null, value.dtype), value.shape[1:]
    try:
        return jnp.broadcast_to(jnp.broadcast_to(null, example), value.shape)
    except ValueError:
        raise ValueError(f"the null value of {name!r} has shape {null.shape}, an example {example}") from None
