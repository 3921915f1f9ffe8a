r"""Which modes of a known mixture were found, and how evenly: the protocol of the 8 and the 25 Gaussians.

A sample is of high quality within three standard deviations of the nearest centre, and a mode is covered by one such
sample nearest to it. Of the shares $h_k$ of these samples over K modes,

$$KL(h \Vert \mathrm{uniform}) = \sum_k h_k \log (K h_k),$$

0 for evenly covered modes, and log K where one has all. In two dimensions $1 - e^{-9/2}$, 98.9 %, of a Gaussian's own
samples are of high quality.

References:
  Srivastava et al., VEEGAN, 2017, section 4.1, https://arxiv.org/abs/1705.07761
  Lin et al., PacGAN, 2018, https://arxiv.org/abs/1712.04086
"""

from typing import NamedTuple

import numpy as np
from jax.typing import ArrayLike
from scipy.spatial.distance import cdist
from scipy.special import entr

from genjax_models.evaluation.requirements import feature_matrix


class ModeCoverage(NamedTuple):
    """Covered modes; the share of high-quality samples, in [0, 1]; the divergence in nats, NaN where there are none."""

    modes: int
    high_quality: float
    reverse_kl: float


def mode_coverage(samples: ArrayLike, centres: ArrayLike, std: float, *, within: float = 3.0) -> ModeCoverage:
    """Modes of an even mixture of isotropic Gaussians that samples cover.

    Args:
      samples: `[N, D]`; the papers draw 2,500.
      centres: `[K, D]`.
      std: the standard deviation of each Gaussian, a coordinate.
      within: how many of them a high-quality sample may be away from the nearest centre.

    Raises:
      ValueError: if `std` is not positive.
      UserError: if there is no sample or no centre, or one is not finite.
    """
    if std <= 0:
        raise ValueError(f"std must be positive, got {std}")
    x = feature_matrix(samples, "samples", at_least=1, metric="mode coverage")
    means = feature_matrix(centres, "centres", at_least=1, metric="mode coverage")
    distances = cdist(x, means)
    good = distances.min(axis=1) <= within * std
    counts = np.bincount(distances.argmin(axis=1)[good], minlength=len(means))
    divergence = np.log(len(means)) - entr(counts / good.sum()).sum() if good.any() else np.nan
    return ModeCoverage(int((counts > 0).sum()), float(good.mean()), float(divergence))
