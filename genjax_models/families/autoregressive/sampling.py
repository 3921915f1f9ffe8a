r"""Ancestral sampling, token by token.

$$x_i \sim \mathrm{softmax}(\mathrm{logits}_i(x_{<i}) / \tau), \qquad i = 1, \dots, L,$$

with the temperature $\tau$: 1 samples the model's distribution, 0 takes the most likely token each time (greedy
decoding). A model with a cache sees each token once, whatever the length.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from genjax_models.core.arrays import at_least_float32
from genjax_models.core.types import Array, Key, PyTree


class CachedModel(NamedTuple):
    """A model that is asked for one token after the other.

    Attributes:
      init: `num -> (logits [num, V] of the first token, cache)`.
      step: `(cache, token int32 [num]) -> (logits [num, V] of the token that follows, cache)`.
    """

    init: Callable[[int], tuple[Array, PyTree]]
    step: Callable[[PyTree, Array], tuple[Array, PyTree]]


def draw_token(key: Key, logits: Array, *, temperature: float = 1.0) -> Array:
    """One token of each row of `logits` `[B, V]`: int32 `[B]`.

    Args:
      key: one typed PRNG key, consumed.
      logits: of the tokens.
      temperature: what the logits are divided by; at 0 the most likely token, the first of those that are equal.

    Raises:
      ValueError: if the temperature is negative.
    """
    if temperature < 0:
        raise ValueError(f"temperature={temperature} must not be negative")
    if temperature == 0:
        return jnp.argmax(logits, axis=-1).astype(jnp.int32)
    return jax.random.categorical(key, at_least_float32(logits) / temperature, axis=-1).astype(jnp.int32)


def sample(key: Key, model: CachedModel, num: int, length: int, *, temperature: float = 1.0) -> Array:
    """Sequences from left to right, one `lax.scan`.

    Args:
      key: one typed PRNG key, consumed; token i uses the i-th of `length` keys split from it.
      model: bound to its parameters and its condition.
      num: how many sequences.
      length: L, tokens of each.
      temperature: see `draw_token`.

    Returns:
      int32 `[num, length]`.

    Raises:
      ValueError: if the length is not positive, or the temperature negative.
    """
    if length < 1:
        raise ValueError(f"sequences of length={length}: expected at least 1 token")
    keys = jax.random.split(key, length)

    def step(carry: tuple[Array, PyTree], key: Key) -> tuple[tuple[Array, PyTree], Array]:
        logits, cache = carry
        token = draw_token(key, logits, temperature=temperature)
        return model.step(cache, token), token

    (logits, _), tokens = jax.lax.scan(step, model.init(num), keys[:-1])
    last = draw_token(keys[-1], logits, temperature=temperature)  # nothing follows it: no step
    return jnp.concatenate([jnp.moveaxis(tokens, 0, 1), last[:, None]], axis=1)
