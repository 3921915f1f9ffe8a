r"""Glow: L levels of a squeeze and K steps, each a normalisation, an invertible 1×1 convolution and a coupling.

After each level but the last half of the channels leave, normal given the other half (the learned prior, see
`multiscale`). With `splines.rational_quadratic` inside the couplings it is RQ-NSF (C) of images.

References:
  Kingma and Dhariwal, Glow, 2018, https://arxiv.org/abs/1807.03039
  Durkan et al., Neural Spline Flows, 2019, https://arxiv.org/abs/1906.04032
"""

from genjax_models.families.flows.actnorm import actnorm
from genjax_models.families.flows.bijection import Bijection, MakeConditioner, chain, stack
from genjax_models.families.flows.coupling import coupling
from genjax_models.families.flows.elementwise import AFFINE, Transformer, gated
from genjax_models.families.flows.invertible_linear import invertible_linear
from genjax_models.families.flows.multiscale import split
from genjax_models.families.flows.real_nvp import check_image
from genjax_models.families.flows.squeeze import flatten, squeeze


def step(transformer: Transformer, network: MakeConditioner, *, channels: int) -> Bijection:
    """One step of flow (figure 2a), over the last axis of images or of vectors."""
    return chain([actnorm(), invertible_linear(), coupling(transformer, network, channels=channels)])


def glow(
    shape: tuple[int, ...],
    network: MakeConditioner,
    *,
    levels: int = 3,
    depth: int = 32,
    transformer: Transformer | None = None,
    scan: bool = False,
) -> Bijection:
    """The paper's flow over images, with a flat latent.

    Args:
      shape: `(H, W, C)` of the data.
      network: of the couplings and of the learned priors, convolutional.
      levels: L, at least 1; each halves the sides.
      depth: K, steps a level.
      transformer: inside the couplings; `gated()` by default.
      scan: see `bijection.stack`.

    Returns:
      A bijection `[B, H, W, C]` → `[B, H W C]`.

    Raises:
      ValueError: if the shape is no image's, there is no level, or a side cannot be halved so often.
    """
    check_image(shape, levels, halvings=levels)
    transformer = gated() if transformer is None else transformer
    height, width, channels = shape[0] // 2, shape[1] // 2, 4 * shape[2]
    level = chain([squeeze(), stack(step(transformer, network, channels=channels), depth, scan=scan)])
    if levels == 1:
        return chain([level, flatten((height, width, channels))])
    inner = (height, width, channels // 2)
    rest = glow(inner, network, levels=levels - 1, depth=depth, transformer=transformer, scan=scan)
    prior = coupling(AFFINE, network, channels=channels)
    return split(chain([level, prior]), rest, (height, width, channels))
