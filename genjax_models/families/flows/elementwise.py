r"""Element-wise maps whose parameters a network gives: the inside of coupling and of autoregressive layers.

A transformer is $y = \tau(x; h)$, increasing in each element $x$ by itself, with the P raw numbers $h$ of that element:
zeros are the identity. The layer decides which elements are seen by the network that gives $h$.

| name     | P | $\tau$                                       |
|----------|---|----------------------------------------------|
| additive | 1 | $x + h_1$ (NICE)                             |
| affine   | 2 | $x\,e^{s} + h_1$, $s = c\,\tanh(h_2/c)$      |

The bound c on the log-scale keeps a layer from exploding; RealNVP scales a tanh by a learned number, Glow
takes a sigmoid.

References:
  Dinh et al., NICE, 2015, https://arxiv.org/abs/1410.8516
  Dinh et al., Density Estimation using Real NVP, 2017, https://arxiv.org/abs/1605.08803
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp

from genjax_models.core.types import Array


class Transformer(NamedTuple):
    """An increasing map of each element.

    Attributes:
      num_params: P, raw numbers an element.
      forward: `(h [..., P], x [...]) -> (y [...], log dy/dx [...])`.
      inverse: `(h [..., P], y [...]) -> (x [...], log dx/dy [...])`.
    """

    num_params: int
    forward: Callable[[Array, Array], tuple[Array, Array]]
    inverse: Callable[[Array, Array], tuple[Array, Array]]


def additive() -> Transformer:
    """A shift, which keeps volume."""
    return Transformer(
        1,
        lambda h, x: (x + h[..., 0], jnp.zeros_like(x)),
        lambda h, y: (y - h[..., 0], jnp.zeros_like(y)),
    )


def affine(bound: float = 3.0) -> Transformer:
    """A shift and a scale, whose logarithm stays within `bound`."""

    def shift_and_log_scale(h: Array) -> tuple[Array, Array]:
        return h[..., 0], bound * jnp.tanh(h[..., 1] / bound)

    def forward(h: Array, x: Array) -> tuple[Array, Array]:
        shift, log_scale = shift_and_log_scale(h)
        return x * jnp.exp(log_scale) + shift, log_scale

    def inverse(h: Array, y: Array) -> tuple[Array, Array]:
        shift, log_scale = shift_and_log_scale(h)
        return (y - shift) * jnp.exp(-log_scale), -log_scale

    return Transformer(2, forward, inverse)


AFFINE = affine()
"""What couplings and their learned priors take where nothing else is said."""
