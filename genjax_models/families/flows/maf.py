"""The masked autoregressive flow of Papamakarios et al.: autoregressive layers of vectors, in orders that alternate.

After each layer the variables are reversed, so that the next one sees the last of them first. All layers are one scan.

References:
  Papamakarios et al., Masked Autoregressive Flow for Density Estimation, 2017, https://arxiv.org/abs/1705.07057
"""

import jax.numpy as jnp

from genjax_models.core.types import Array, PyTree
from genjax_models.families.flows.autoregressive import autoregressive
from genjax_models.families.flows.bijection import Bijection, MakeConditioner, chain, repeat
from genjax_models.families.flows.elementwise import Transformer, affine


def maf(network: MakeConditioner, depth: int, *, transformer: Transformer | None = None) -> Bijection:
    """A flow of vectors `[B, D]`.

    Args:
      network: of each layer, causal in the natural order; see `autoregressive`.
      depth: number of layers: 5 and 10 in the paper.
      transformer: of each variable; `None` is `affine()`, the paper's.
    """
    return repeat(chain([autoregressive(transformer or affine(), network), _reversal()]), depth)


def _reversal() -> Bijection:
    def reverse(params: PyTree, x: Array, cond: PyTree) -> tuple[Array, Array]:
        return x[:, ::-1], jnp.zeros(x.shape[0], x.dtype)

    return Bijection(lambda key, x, cond: (), reverse, reverse)
