r"""The few types that every room shares: what a model, a loss and a likelihood look like from outside.

A *model* is a plain callable already bound to its parameters, so whoever imports a loss needs none of our
networks. A *loss* keeps its batch axis: the mean over the batch is taken in one place only, the training step.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
from flax import struct

Array = jax.Array
Key = jax.Array  # a typed PRNG key, as made by `jax.random.key`
PyTree = Any

Condition = Mapping[str, Array]
"""What a model is conditioned on: named arrays `[B, ...]`, one row an example.

The usual fields are `label` (int32 `[B]`, a class; the number of classes means no class), `text` (`[B, D]`, a sentence
embedding; zeros mean no text), and `guidance` (`[B]`, the guidance scale that a distilled model is conditioned on). A
field that is missing has its null value.
"""

Model = Callable[[Array, Array], Array]
"""`(x_t [B, ...], t [B]) -> prediction [B, ...]`, bound to its parameters and its condition."""


class LossOutput(NamedTuple):
    """A loss of each example, before any mean.

    Attributes:
      value: `[B]`, what is minimised.
      aux: named parts of it or diagnostics, each `[B]`.
    """

    value: Array
    aux: Mapping[str, Array] = {}


@struct.dataclass
class Likelihood:
    """A log-likelihood and how it was computed.

    Attributes:
      value: `[B]`, nats per example.
      kind: `exact`, `elbo`, `importance(k)`, `ais`, `ode` or `parzen`; a table never mixes kinds silently.
      stderr: `[B]` standard error of a stochastic estimate, `None` where the computation has no randomness.
    """

    value: Array
    kind: str = struct.field(pytree_node=False)
    stderr: Array | None = None
