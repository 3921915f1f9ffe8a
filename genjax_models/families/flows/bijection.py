r"""Normalizing flows: invertible maps from data to latent variables, and the density that they give the data.

$$z = f(x), \qquad \log p(x) = \log p_z(f(x)) + \log\left|\det \frac{\partial f}{\partial x}\right|$$

*Forward* is from data to latent everywhere, the direction of a likelihood; sampling uses the *inverse*. A layer is
three pure functions, so layers can be chained, repeated and inverted independently of each other. Its parameters are a
tree that `init` makes from a batch of data, so data-dependent initialisation (actnorm) needs nothing further: a chain
initialises each of its layers on the outputs of the earlier ones.

A layer whose log-determinant is an estimate takes its randomness where it is built: a loss builds the flow of a key,
`flow = make(key)`, and the three functions stay pure. An inverse without a closed form is found by iteration; an
example for which that fails is NaN, never a wrong number, and `inverse_residual` measures the error of an inverse.

References:
  Rezende and Mohamed, Variational Inference with Normalizing Flows, 2015, https://arxiv.org/abs/1505.05770
  Papamakarios et al., Normalizing Flows for Probabilistic Modeling and Inference, 2021, https://arxiv.org/abs/1912.02762
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from genjax_models.core.densities import Density
from genjax_models.core.types import Array, Key, PyTree

Transform = Callable[[PyTree, Array, PyTree], tuple[Array, Array]]
"""`(params, x [B, ...], cond) -> (y [B, ...], log |det dy/dx| [B])`."""


class Bijection(NamedTuple):
    """One invertible layer, or a whole flow.

    Attributes:
      init: `(key, x [B, ...], cond) -> params`, from a batch of data.
      forward_and_log_det: from data to latent, see `Transform`.
      inverse_and_log_det: from latent to data; its log-determinant is that of the inverse.
    """

    init: Callable[[Key, Array, PyTree], PyTree]
    forward_and_log_det: Transform
    inverse_and_log_det: Transform


class Conditioner(NamedTuple):
    """A network inside a layer: a pair of functions, such as a linen module's.

    Attributes:
      init: `(key, h [B, ...], cond) -> params`.
      apply: `(params, h [B, ...], cond) -> [B, ..., C]`; zeros at the start make its layer the identity.
    """

    init: Callable[[Key, Array, PyTree], PyTree]
    apply: Callable[[PyTree, Array, PyTree], Array]


MakeConditioner = Callable[[int], Conditioner]
"""From the number of output channels C that a layer needs to a network with so many."""


def chain(layers: Sequence[Bijection]) -> Bijection:
    """Layers one after the other, the first nearest to the data; the parameters are a tuple."""

    def init(key: Key, x: Array, cond: PyTree) -> PyTree:
        params = []
        for number, layer in enumerate(layers):
            params.append(layer.init(jax.random.fold_in(key, number), x, cond))
            if number + 1 < len(layers):
                x, _ = layer.forward_and_log_det(params[-1], x, cond)
        return tuple(params)

    def forward(params: PyTree, x: Array, cond: PyTree) -> tuple[Array, Array]:
        total = jnp.zeros(x.shape[0], x.dtype)
        for layer, own in zip(layers, params, strict=True):
            x, log_det = layer.forward_and_log_det(own, x, cond)
            total += log_det
        return x, total

    def inverse(params: PyTree, y: Array, cond: PyTree) -> tuple[Array, Array]:
        total = jnp.zeros(y.shape[0], y.dtype)
        for layer, own in zip(reversed(layers), reversed(params), strict=True):
            y, log_det = layer.inverse_and_log_det(own, y, cond)
            total += log_det
        return y, total

    return Bijection(init, forward, inverse)


def repeat(layer: Bijection, depth: int) -> Bijection:
    """`depth` copies of a layer that keeps the shape, compiled once: a scan over parameters stacked on a first axis."""

    def init(key: Key, x: Array, cond: PyTree) -> PyTree:
        def one(x: Array, key: Key) -> tuple[Array, PyTree]:
            params = layer.init(key, x, cond)
            return layer.forward_and_log_det(params, x, cond)[0], params

        return jax.lax.scan(one, x, jax.random.split(key, depth))[1]

    def run(transform: Transform, params: PyTree, x: Array, cond: PyTree, *, reverse: bool) -> tuple[Array, Array]:
        def one(carry: tuple[Array, Array], own: PyTree) -> tuple[tuple[Array, Array], None]:
            x, total = carry
            x, log_det = transform(own, x, cond)
            return (x, total + log_det), None

        return jax.lax.scan(one, (x, jnp.zeros(x.shape[0], x.dtype)), params, reverse=reverse)[0]

    return Bijection(
        init,
        lambda params, x, cond: run(layer.forward_and_log_det, params, x, cond, reverse=False),
        lambda params, y, cond: run(layer.inverse_and_log_det, params, y, cond, reverse=True),
    )


def stack(layer: Bijection, depth: int, *, scan: bool = False) -> Bijection:
    """`depth` copies of a layer: a `chain`, or with `scan` a `repeat`, which compiles faster.

    A step with small layers is faster by the second too, as its optimiser has fewer arrays to go through.
    """
    return repeat(layer, depth) if scan else chain([layer] * depth)


def invert(layer: Bijection) -> Bijection:
    """The layer the other way round: a masked autoregressive flow becomes an inverse autoregressive one."""
    return Bijection(layer.init, layer.inverse_and_log_det, layer.forward_and_log_det)


def constant_volume(forward: Callable[[Array], Array], inverse: Callable[[Array], Array]) -> Bijection:
    """A fixed rearrangement of the variables: no parameters, and a log-determinant of zero."""

    def transform(f: Callable[[Array], Array]) -> Transform:
        return lambda params, x, cond: (f(x), jnp.zeros(x.shape[0], x.dtype))

    return Bijection(lambda key, x, cond: (), transform(forward), transform(inverse))


def log_prob(flow: Bijection, base: Density, params: PyTree, x: Array, cond: PyTree = None) -> Array:
    """The log-density of data under a flow.

    Args:
      flow: from data to latent.
      base: the density of the latent variables.
      params: of the flow.
      x: data `[B, ...]` float; for bytes see `core.dequantization`.
      cond: what the flow is conditioned on, a tree with `[B, ...]` leaves.

    Returns:
      `[B]`, nats.
    """
    z, log_det = flow.forward_and_log_det(params, x, cond)
    return base.log_prob(z) + log_det


def sample(key: Key, flow: Bijection, base: Density, params: PyTree, num: int, cond: PyTree = None) -> Array:
    """Draw `num` examples `[num, ...]`; arguments are those of `log_prob`."""
    return flow.inverse_and_log_det(params, base.sample(key, num), cond)[0]


def inverse_residual(flow: Bijection, params: PyTree, z: Array, cond: PyTree = None) -> Array:
    r"""How far an inverse misses, $\max |f(f^{-1}(z)) - z|$ of each example: `[B]`; NaN where it gave up."""
    x, _ = flow.inverse_and_log_det(params, z, cond)
    again, _ = flow.forward_and_log_det(params, x, cond)
    return jnp.abs(again - z).max(axis=tuple(range(1, z.ndim)))
