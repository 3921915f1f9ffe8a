"""The masked autoregressive flow of Papamakarios et al.: autoregressive layers of vectors, in orders that alternate.

After each layer the variables are reversed, so that the next one sees the last of them first.

References:
  Papamakarios et al., Masked Autoregressive Flow for Density Estimation, 2017, https://arxiv.org/abs/1705.07057
"""

from genjax_models.families.flows.autoregressive import autoregressive
from genjax_models.families.flows.bijection import Bijection, MakeConditioner, chain, stack
from genjax_models.families.flows.elementwise import AFFINE, Transformer
from genjax_models.families.flows.permutation import reverse


def maf(network: MakeConditioner, depth: int, *, transformer: Transformer = AFFINE, scan: bool = False) -> Bijection:
    """A flow of vectors `[B, D]`.

    Args:
      network: of each layer, causal in the natural order; see `autoregressive`.
      depth: number of layers: 5 and 10 in the paper.
      transformer: of each variable; the paper's is affine.
      scan: see `bijection.stack`.
    """
    return stack(chain([autoregressive(transformer, network), reverse()]), depth, scan=scan)
