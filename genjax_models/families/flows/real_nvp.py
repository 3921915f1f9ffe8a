r"""RealNVP: affine couplings, of images by checkerboards and by channels, at several scales.

A scale is three checkerboard couplings, a squeeze, three couplings of channels, and half of the channels leave; the
last scale is four checkerboards. Activation normalisation stands where the paper has batch normalisation: it is the
same at training and at test, and an example does not see its neighbours.

References:
  Dinh et al., Density Estimation using Real NVP, 2017, https://arxiv.org/abs/1605.08803
"""

from genjax_models.families.flows.actnorm import actnorm
from genjax_models.families.flows.bijection import Bijection, MakeConditioner, chain, stack
from genjax_models.families.flows.coupling import alternating, checkerboard_mask, coupling, masked_coupling
from genjax_models.families.flows.elementwise import AFFINE, Transformer
from genjax_models.families.flows.multiscale import split
from genjax_models.families.flows.squeeze import flatten, squeeze


def coupling_flow(
    transformer: Transformer, network: MakeConditioner, *, features: int, depth: int, scan: bool = False
) -> Bijection:
    """A flow over vectors: `depth` times a normalisation and a pair of couplings of the two halves.

    Args:
      transformer: `affine()` is RealNVP.
      network: of the couplings.
      features: D, at least 2.
      depth: pairs of couplings.
      scan: see `bijection.stack`.
    """
    return stack(chain([actnorm(), alternating(transformer, network, channels=features)]), depth, scan=scan)


def checkerboards(
    transformer: Transformer, network: MakeConditioner, shape: tuple[int, ...], depth: int
) -> list[Bijection]:
    """`depth` couplings of images `shape` by checkerboards that alternate, each after a normalisation."""
    boards = [checkerboard_mask(*shape, odd=bool(number % 2)) for number in range(depth)]
    return [layer for board in boards for layer in (actnorm(), masked_coupling(transformer, network, board))]


def real_nvp(
    shape: tuple[int, ...], network: MakeConditioner, *, levels: int = 2, transformer: Transformer = AFFINE
) -> Bijection:
    """The paper's flow over images, with a flat latent.

    Args:
      shape: `(H, W, C)` of the data, after `preprocess.logit`; a level but the last halves the sides.
      network: of the couplings, convolutional.
      levels: scales, at least 1.
      transformer: inside the couplings.

    Returns:
      A bijection `[B, H, W, C]` → `[B, H W C]`.

    Raises:
      ValueError: if the shape is no image's, there is no level, or a side cannot be halved so often.
    """
    check_image(shape, levels, halvings=levels - 1)
    height, width, channels = shape
    if levels == 1:
        return chain([*checkerboards(transformer, network, shape, 4), flatten(shape)])
    half = (height // 2, width // 2, 4 * channels)
    by_channel = [
        layer
        for swap in (False, True, False)
        for layer in (actnorm(), coupling(transformer, network, channels=half[-1], swap=swap))
    ]
    level = chain([*checkerboards(transformer, network, shape, 3), squeeze(), *by_channel])
    inner = (*half[:2], half[2] // 2)
    return split(level, real_nvp(inner, network, levels=levels - 1, transformer=transformer), half)


def check_image(shape: tuple[int, ...], levels: int, *, halvings: int) -> None:
    """Refuse, with a ValueError, a shape that a multi-scale flow cannot take."""
    if len(shape) != 3:
        raise ValueError(f"a flow over images takes a shape (H, W, C), got {shape}; for vectors see `coupling_flow`")
    if levels < 1:
        raise ValueError(f"a flow needs at least 1 level, got levels={levels}")
    if any(side % 2**halvings for side in shape[:2]):
        raise ValueError(
            f"{levels} levels halve an image {halvings} times, which {shape[0]}x{shape[1]} does not allow: "
            "take fewer levels, or pad the images"
        )
