r"""Element-wise maps whose parameters a network gives: the inside of coupling and of autoregressive layers.

A transformer is $y = \tau(x; h)$, increasing in each element $x$ by itself, with the P raw numbers $h$ of that element:
zeros are the identity, but for a gate. The layer decides which elements are seen by the network that gives $h$.

| name     | P | $\tau$                                       |
|----------|---|----------------------------------------------|
| additive | 1 | $x + h_1$ (NICE)                             |
| affine   | 2 | $x\,e^{s} + h_1$, $s = c\,\tanh(h_2/c)$      |

| gated    | 2 | $(x + h_1)\,\sigma(h_2 + 2)$ (Glow)        |

The bound c on the log-scale keeps a layer from exploding; RealNVP scales a tanh by a learned number. A gate lets no
layer magnify, so that an image unlike all others does not leave the floats on its way through a deep stack.

References:
  Dinh et al., NICE, 2015, https://arxiv.org/abs/1410.8516
  Dinh et al., Density Estimation using Real NVP, 2017, https://arxiv.org/abs/1605.08803
  Kingma and Dhariwal, Glow, 2018, https://arxiv.org/abs/1807.03039 (the gate: the authors' code)
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
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


def gated() -> Transformer:
    """A shift and a scale between 0 and 1, which starts at 0.88."""
    log_scale = lambda h: jax.nn.log_sigmoid(h[..., 1] + 2.0)

    def forward(h: Array, x: Array) -> tuple[Array, Array]:
        return (x + h[..., 0]) * jnp.exp(log_scale(h)), log_scale(h)

    def inverse(h: Array, y: Array) -> tuple[Array, Array]:
        return y * jnp.exp(-log_scale(h)) - h[..., 0], -log_scale(h)

    return Transformer(2, forward, inverse)


AFFINE = affine()
"""The default of couplings and of their learned priors."""
