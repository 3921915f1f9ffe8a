r"""Variational dequantisation: the offset of a byte within its interval, from a flow that looks at the bytes.

$$u = \mathrm{sigmoid}(h), \quad h = f^{-1}(\epsilon;\ b), \quad \epsilon \sim p_\epsilon, \qquad
\log q(u \mid b) = \log p_\epsilon(\epsilon) - \log\left|\det \frac{\partial h}{\partial \epsilon}\right|
- \sum_i \log u_i(1 - u_i)$$

A flow that is the identity gives uniform dequantisation if its base is logistic, which is then the place to start from.

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
from genjax_models.families.flows.bijection import Bijection


def variational_offset(
    flow: Bijection, base: Density, params: PyTree, features: Callable[[Array], PyTree]
) -> Dequantizer:
    r"""The law $q(u \mid b)$ of a conditional flow, for `core.dequantization.dequantized_log_prob`.

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
