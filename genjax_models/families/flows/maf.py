"""The masked autoregressive flow of Papamakarios et al.: autoregressive layers of vectors, in orders that alternate.

After each layer the variables are reversed, so that the next one sees the last of them first. `normalize` puts
activation normalisation before each layer, where the paper has batch normalisation between them: it is the same at
training and at test, and an example does not see its neighbours.

References:
  Papamakarios et al., Masked Autoregressive Flow for Density Estimation, 2017, https://arxiv.org/abs/1705.07057
"""

from genjax_models.families.flows.actnorm import actnorm
from genjax_models.families.flows.autoregressive import autoregressive
from genjax_models.families.flows.bijection import Bijection, MakeConditioner, chain, stack
from genjax_models.families.flows.elementwise import AFFINE, Transformer
from genjax_models.families.flows.permutation import reverse


def maf(
    network: MakeConditioner,
    depth: int,
    *,
    transformer: Transformer = AFFINE,
    normalize: bool = False,
    scan: bool = False,
) -> Bijection:
    """A flow of vectors `[B, D]`.

    Args:
      network: of each layer, causal in the natural order; see `autoregressive`.
      depth: number of layers: 5 and 10 in the paper.
      transformer: of each variable; the paper's is affine.
      normalize: whether activations are normalised before each layer; not for posteriors, initialised without data.
      scan: see `bijection.stack`.
    """
    first = [actnorm()] if normalize else []
    return stack(chain([*first, autoregressive(transformer, network), reverse()]), depth, scan=scan)
