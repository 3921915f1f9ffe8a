r"""The likelihood of a sequence as a product over its tokens.

$$p(x_1, \dots, x_L) = \prod_{i=1}^{L} p(x_i \mid x_{<i}), \qquad
p(x_i = v \mid x_{<i}) = \mathrm{softmax}(\mathrm{logits}_i(x_{<i}))_v.$$

The first factor, $p(x_1)$, is conditioned on nothing: a network gives its logits from a begin token, say. The
probabilities of all $V^L$ sequences then sum to one.

References:
  Bengio et al., A Neural Probabilistic Language Model, 2003, https://www.jmlr.org/papers/v3/bengio03a.html
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from genjax_models.core.arrays import at_least_float32
from genjax_models.core.types import Array, Likelihood, LossOutput

Logits = Callable[[Array], Array]
"""`x int [B, L] -> logits [B, L, V]`, bound to its parameters and its condition; those at i see `x[:, :i]` alone."""


def token_log_probs(model: Logits, x: Array) -> Array:
    r"""$\log p(x_i \mid x_{<i})$ of every token, `[B, L]` nats, of sequences `x` int `[B, L]`.

    Raises:
      TypeError: if `x` holds no integers.
      ValueError: if `x` is no `[B, L]`, or the logits no `[B, L, V]`.
    """
    if not jnp.issubdtype(x.dtype, jnp.integer):
        raise TypeError(f"expected tokens as integers, got {x.dtype}")
    logits = model(x)
    if x.ndim != 2 or logits.ndim != 3 or logits.shape[:2] != x.shape:
        raise ValueError(f"expected logits [B, L, V] of tokens [B, L], got {logits.shape} of {x.shape}")
    log_probs = jax.nn.log_softmax(at_least_float32(logits), axis=-1)
    return jnp.take_along_axis(log_probs, x[..., None], axis=-1)[..., 0]


def next_token_loss(model: Logits, x: Array) -> LossOutput:
    r"""The cross-entropy of each token given those before it, $-\sum_i \log p(x_i \mid x_{<i})$.

    Args:
      model: see `Logits`.
      x: data, int `[B, L]`.

    Returns:
      `LossOutput` with `value` `[B]`, nats of the whole sequence (the sum over its tokens), and `nats_per_token` `[B]`,
      which is what is usually minimised.

    Raises:
      TypeError: if `x` holds no integers.
      ValueError: if the logits are not of the shape `[B, L, V]`.
    """
    nats = -token_log_probs(model, x)
    return LossOutput(nats.sum(axis=1), {"nats_per_token": nats.mean(axis=1)})


def log_prob(model: Logits, x: Array) -> Likelihood:
    """The log-probability `[B]`, nats, of whole sequences `x` int `[B, L]`; of kind `exact`.

    Raises:
      TypeError: if `x` holds no integers.
      ValueError: if the logits are not of the shape `[B, L, V]`.
    """
    return Likelihood(token_log_probs(model, x).sum(axis=1), "exact")
