r"""TarFlow: autoregressive flows over the patches of an image, one causal transformer a layer.

A layer moves each patch by what its network has seen of the patches before it; the first one stays,

$$z_1 = x_1, \qquad z_t = \tau(x_t;\ \mathrm{net}(x_{<t})), \qquad
\log\left|\det\right| = \textstyle\sum_{t > 1} \sum_c \log \tau'(x_{t,c}).$$

Layers take turns at running from the first patch to the last and back. Forward is one parallel pass; the inverse takes
the patches one by one, and a network with a cache reads each of them once. The paper's $\tau$ is
$(x - \mu)\,e^{-\alpha}$, which `elementwise.affine` parametrises as $x e^{s} + h$ with a bound on $|s|$.

The flow is trained on data with Gaussian noise, $y = x + \sigma\epsilon$, which fills space and so has a density;
what it draws is noisy too, and is cleaned by the best guess of x that the density itself implies (Tweedie):

$$E[x \mid y] = y + \sigma^2\,\nabla \log p(y).$$

References:
  Zhai et al., Normalizing Flows are Capable Generative Models, 2024, https://arxiv.org/abs/2412.06329
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from genjax_models.core.arrays import sum_over_data
from genjax_models.core.types import Array, Key, LossOutput, PyTree
from genjax_models.families.flows.bijection import Bijection, chain
from genjax_models.families.flows.elementwise import Transformer, affine


class CausalNetwork(NamedTuple):
    """A network over sequences whose output at a place depends on that place and those before it.

    Attributes:
      init: `(key, h [B, T, C], cond) -> params`.
      apply: `(params, h [B, T, C], cond) -> [B, T, P]`.
      start: `h [B, T, C] -> cache`, of a sequence of which nothing has been seen; it reads the shape only.
      step: `(params, cache, h [B, 1, C], cond) -> ([B, 1, P], cache)`, what `apply` gives for the next token.
    """

    init: Callable[[Key, Array, PyTree], PyTree]
    apply: Callable[[PyTree, Array, PyTree], Array]
    start: Callable[[Array], PyTree]
    step: Callable[[PyTree, PyTree, Array, PyTree], tuple[Array, PyTree]]


def autoregressive_over_tokens(transformer: Transformer, net: CausalNetwork, *, backwards: bool = False) -> Bijection:
    """One layer.

    Args:
      transformer: the element-wise map, with P numbers an element.
      net: `[B, T, C] -> [B, T, C P]`.
      backwards: run from the last token to the first.

    Returns:
      A bijection of `[B, T, C]`.
    """
    order = (lambda x: x[:, ::-1]) if backwards else (lambda x: x)

    def split(raw: Array) -> Array:
        return raw.reshape(*raw.shape[:-1], raw.shape[-1] // transformer.num_params, transformer.num_params)

    def forward(params: PyTree, x: Array, cond: PyTree) -> tuple[Array, Array]:
        x = order(x)
        moved, log_derivative = transformer.forward(split(net.apply(params, x, cond)[:, :-1]), x[:, 1:])
        return order(jnp.concatenate([x[:, :1], moved], axis=1)), sum_over_data(log_derivative)

    def inverse(params: PyTree, z: Array, cond: PyTree) -> tuple[Array, Array]:
        z = order(z)

        def one(carry: tuple[Array, PyTree], z: Array) -> tuple[tuple[Array, PyTree], tuple[Array, Array]]:
            before, cache = carry
            raw, cache = net.step(params, cache, before[:, None], cond)
            x, log_derivative = transformer.inverse(split(raw)[:, 0], z)
            return (x, cache), (x, log_derivative)

        first = z[:, 0]
        _, (rest, log_derivative) = jax.lax.scan(one, (first, net.start(z)), jnp.moveaxis(z[:, 1:], 1, 0))
        x = jnp.concatenate([first[:, None], jnp.moveaxis(rest, 0, 1)], axis=1)
        return order(x), log_derivative.sum(axis=(0, 2))

    return Bijection(lambda key, x, cond: net.init(key, order(x), cond), forward, inverse)


def tarflow(
    network: Callable[[int], CausalNetwork], *, channels: int, depth: int, transformer: Transformer | None = None
) -> Bijection:
    """The flow of `[B, T, channels]`: `depth` layers that take turns at the direction.

    Args:
      network: from the number of channels that it must give, to a layer's network; zeros at the start make the flow
        the identity.
      channels: of a token.
      depth: number of layers.
      transformer: the element-wise map, `elementwise.affine()` by default.
    """
    transformer = affine() if transformer is None else transformer
    net = network(channels * transformer.num_params)
    return chain([autoregressive_over_tokens(transformer, net, backwards=bool(i % 2)) for i in range(depth)])


def guided(net: CausalNetwork, weight: float, null: Callable[[PyTree], PyTree]) -> CausalNetwork:
    r"""A network that exaggerates its condition, $(1 + w)\,\mathrm{net}(x, c) - w\,\mathrm{net}(x, \varnothing)$.

    A flow of such networks takes the parameters of the flow as it was trained, and is a bijection like any other; the
    paper guides its samples this way, layer by layer.

    Args:
      net: trained with and without a condition.
      weight: w; 0 is the network itself.
      null: from a condition to the null condition.
    """
    mix = lambda with_cond, without: (1.0 + weight) * with_cond - weight * without

    def step(params: PyTree, caches: PyTree, h: Array, cond: PyTree) -> tuple[Array, PyTree]:
        with_cond, first = net.step(params, caches[0], h, cond)
        without, second = net.step(params, caches[1], h, null(cond))
        return mix(with_cond, without), (first, second)

    return CausalNetwork(
        net.init,
        lambda params, h, cond: mix(net.apply(params, h, cond), net.apply(params, h, null(cond))),
        lambda h: (net.start(h),) * 2,
        step,
    )


def noisy_nll(key: Key, log_prob: Callable[[Array], Array], x: Array, *, std: float) -> LossOutput:
    r"""The loss of training on noisy data, $-\log p(x + \sigma\epsilon)$.

    Args:
      key: one typed PRNG key, consumed.
      log_prob: `y [B, ...] -> [B]`, bound to its parameters.
      x: data, `[B, ...]` float, scaled to [-1, 1].
      std: $\sigma$; 0.05 in the paper's samples, where the noise of a dequantised byte has 0.0023.

    Returns:
      `LossOutput` with `value` `[B]`, nats.
    """
    return LossOutput(-log_prob(x + std * jax.random.normal(key, x.shape, x.dtype)))


def denoise(log_prob: Callable[[Array], Array], y: Array, *, std: float) -> Array:
    """The mean of the data `[B, ...]` that noise of `std` has made `y`, by one gradient of the log-density of `y`."""
    return y + std**2 * jax.grad(lambda y: log_prob(y).sum())(y)
