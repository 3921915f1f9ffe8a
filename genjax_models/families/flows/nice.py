r"""NICE: additive couplings, which keep volume, and at the end one learned scale for each variable.

$$z = e^{s} \odot h_{2n}(\dots h_1(x)), \qquad \log|\det| = \textstyle\sum_i s_i$$

References:
  Dinh et al., NICE, 2015, https://arxiv.org/abs/1410.8516
"""

import jax.numpy as jnp

from genjax_models.core.types import Array, Key, PyTree
from genjax_models.families.flows.bijection import Bijection, MakeConditioner, chain, stack
from genjax_models.families.flows.coupling import alternating
from genjax_models.families.flows.elementwise import additive


def scaling() -> Bijection:
    """A learnt positive scale of each variable of an example, one at the start."""

    def scale(params: PyTree, x: Array, sign: int) -> tuple[Array, Array]:
        log_scale = sign * params["log_scale"]
        return x * jnp.exp(log_scale)[None], jnp.full(x.shape[0], log_scale.sum())

    def init(key: Key, x: Array, cond: PyTree) -> PyTree:
        return {"log_scale": jnp.zeros(x.shape[1:], x.dtype)}

    return Bijection(init, lambda params, x, cond: scale(params, x, 1), lambda params, y, cond: scale(params, y, -1))


def nice(features: int, network: MakeConditioner, *, depth: int = 2, scan: bool = False) -> Bijection:
    """NICE over vectors; its prior is `standard_logistic` or `standard_normal`.

    Args:
      features: D, at least 2; images enter flattened.
      network: of the couplings.
      depth: pairs of couplings.
      scan: see `bijection.stack`.
    """
    return chain([stack(alternating(additive(), network, channels=features), depth, scan=scan), scaling()])
