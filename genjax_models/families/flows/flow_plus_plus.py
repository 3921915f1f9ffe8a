r"""Flow++: couplings by the distribution function of a mixture of logistics, by checkerboards and by channels.

The paper's flow over 32×32 images: four checkerboard couplings, a squeeze, two couplings of channels and three more
checkerboards; no variable leaves early. Its dequantiser is a flow of its own.

References:
  Ho et al., Flow++, 2019, https://arxiv.org/abs/1902.00275
"""

from genjax_models.families.flows.bijection import Bijection, MakeConditioner, chain
from genjax_models.families.flows.glow import step
from genjax_models.families.flows.mixture_logistic import mixture_logistic
from genjax_models.families.flows.real_nvp import check_image, checkerboards
from genjax_models.families.flows.squeeze import flatten, squeeze


def flow_plus_plus(
    shape: tuple[int, ...],
    network: MakeConditioner,
    *,
    components: int = 32,
    depths: tuple[int, int, int] = (4, 2, 3),
) -> Bijection:
    """The paper's flow, with a flat latent.

    Args:
      shape: `(H, W, C)` of the data, with even sides.
      network: of the couplings; its last layer starts small and random, see `mixture_logistic`.
      components: of each mixture.
      depths: couplings by checkerboard, by channels after the squeeze, and by checkerboard again.

    Returns:
      A bijection `[B, H, W, C]` → `[B, H W C]`.

    Raises:
      ValueError: if the shape is no image's or its sides are odd.
    """
    check_image(shape, 1, halvings=1)
    height, width, channels = shape
    half = (height // 2, width // 2, 4 * channels)
    mixture = mixture_logistic(components)
    return chain(
        [
            *checkerboards(mixture, network, shape, depths[0]),
            squeeze(),
            *[step(mixture, network, channels=half[-1]) for _ in range(depths[1])],
            *checkerboards(mixture, network, half, depths[2]),
            flatten(half),
        ]
    )
