r"""Variational dequantisation: the offset of a byte within its interval, from a flow conditioned on the bytes.

$$u = \mathrm{sigmoid}(h), \quad h = f^{-1}(\epsilon;\ b), \quad \epsilon \sim p_\epsilon, \qquad
\log q(u \mid b) = \log p_\epsilon(\epsilon) - \log\left|\det \frac{\partial h}{\partial \epsilon}\right|
- \sum_i \log u_i(1 - u_i)$$

A flow that is the identity gives uniform dequantisation if its base is logistic, which is then the place to start from.
The paper's flow is checkerboard couplings by mixtures of logistics; `offset_flow` has no normalisation between them,
so that it starts as the identity where its networks start as zero.

References:
  Ho et al., Flow++, 2019, section 3.1, https://arxiv.org/abs/1902.00275
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from genjax_models.core.arrays import sum_over_data
from genjax_models.core.densities import Density
from genjax_models.core.dequantization import Dequantizer
from genjax_models.core.types import Array, Key, PyTree
from genjax_models.families.flows.bijection import Bijection, Conditioner, MakeConditioner, chain, invert
from genjax_models.families.flows.coupling import checkerboard_mask, masked_coupling
from genjax_models.families.flows.mixture_logistic import mixture_logistic


def variational_offset(
    flow: Bijection, base: Density, params: PyTree, features: Callable[[Array], PyTree]
) -> Dequantizer:
    r"""The distribution $q(u \mid b)$ of a conditional flow, for `core.dequantization.dequantized_log_prob`.

    Gradients reach `params` through the offsets: they are what the bound is maximised over.

    Args:
      flow: from $h$ to $\epsilon$, of the shape of the data, with a cheap inverse such as coupling layers have.
      base: of $\epsilon$; `standard_logistic` makes the identity uniform.
      params: of the flow.
      features: from the bytes `[B, ...]` uint8 to the flow's condition, a network bound to its parameters or a scaling.
    """

    def draw(key: Key, x: Array) -> tuple[Array, Array]:
        eps = base.sample(key, x.shape[0])
        h, log_det = flow.inverse_and_log_det(params, eps, features(x))
        log_slope = sum_over_data(jax.nn.log_sigmoid(h) + jax.nn.log_sigmoid(-h))
        u = jnp.minimum(jax.nn.sigmoid(h), 1.0 - 2.0**-16)  # beyond, float32 would round x up into the next byte
        return u, base.log_prob(eps) - log_det - log_slope

    return draw


def offset_flow(shape: tuple[int, ...], network: MakeConditioner, *, components: int = 32, depth: int = 4) -> Bijection:
    r"""The paper's flow of the offsets: couplings by alternating checkerboards whose networks see the bytes as well.

    Args:
      shape: `(H, W, C)` of the data.
      network: of the couplings, convolutional; it sees `[B, H, W, C + C']`.
      components: of each mixture.
      depth: couplings, 4 in the paper.

    Returns:
      A bijection from $h$ to $\epsilon$, of the data's shape, under a condition `[B, H, W, C']`. Its inverse, which
      draws, has the closed form.
    """
    boards = [checkerboard_mask(*shape, odd=bool(number % 2)) for number in range(depth)]
    transformer, seeing = mixture_logistic(components), beside_condition(network)
    return invert(chain([masked_coupling(transformer, seeing, board) for board in boards]))


def beside_condition(network: MakeConditioner) -> MakeConditioner:
    """Networks that find the condition, an image, among the channels of what they see."""

    def make(channels: int) -> Conditioner:
        net = network(channels)

        def both(h: Array, cond: Array) -> Array:
            return jnp.concatenate([h, cond.astype(h.dtype)], axis=-1)

        return Conditioner(
            lambda key, h, cond: net.init(key, both(h, cond), None),
            lambda params, h, cond: net.apply(params, both(h, cond), None),
        )

    return make
