r"""Neural spline flows with coupling layers, RQ-NSF (C): the steps of Glow with a rational-quadratic spline inside.

References:
  Durkan et al., Neural Spline Flows, 2019, https://arxiv.org/abs/1906.04032
"""

from genjax_models.families.flows.bijection import Bijection, MakeConditioner, chain, stack
from genjax_models.families.flows.glow import glow, step
from genjax_models.families.flows.invertible_linear import invertible_linear
from genjax_models.families.flows.splines import rational_quadratic


def spline_coupling(
    shape: tuple[int, ...],
    network: MakeConditioner,
    *,
    depth: int,
    levels: int = 1,
    bins: int = 8,
    bound: float = 5.0,
    scan: bool = False,
) -> Bijection:
    """The paper's flow over vectors or images.

    Args:
      shape: `(D,)` of vectors, at least 2, or `(H, W, C)` of images.
      network: of the couplings.
      depth: steps; of images a level.
      levels: of images; each halves the sides.
      bins: K of the splines.
      bound: beyond it an element passes unchanged.
      scan: see `bijection.stack`.

    Returns:
      A bijection to a flat latent `[B, D]`.

    Raises:
      ValueError: if the shape is neither, or the flow cannot take it.
    """
    spline = rational_quadratic(bins, bound)
    if len(shape) == 1:
        steps = stack(step(spline, network, channels=shape[0]), depth, scan=scan)
        return chain([steps, invertible_linear()])
    return glow(shape, network, levels=levels, depth=depth, transformer=spline, scan=scan)
