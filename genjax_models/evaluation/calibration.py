r"""Whether a discriminator's probability $\sigma(\ell)$ of "real" is the chance of being so.

$$ECE = \sum_b \frac{n_b}{n}\,\lvert \mathrm{fraction\ real}_b - \mathrm{mean\ probability}_b \rvert$$

over equal bins $b$ of the probability. Real and fake samples weigh one half each, however many there are. It means
something for games of cross-entropy alone, whose best discriminator is calibrated.

References:
  Guo et al., On Calibration of Modern Neural Networks, 2017, https://arxiv.org/abs/1706.04599
"""

import numpy as np
from jax.typing import ArrayLike
from scipy.special import expit

from genjax_models.core.errors import UserError


def calibration_error(real_logits: ArrayLike, fake_logits: ArrayLike, *, bins: int = 10) -> float:
    """The expected calibration error of a discriminator, in [0, 1].

    Args:
      real_logits: at real samples, `[N]`.
      fake_logits: at fakes, `[M]`.
      bins: of equal width on [0, 1].

    Raises:
      UserError: if a set is empty or a logit is not finite.
    """
    logits = [np.asarray(side, np.float64).ravel() for side in (real_logits, fake_logits)]
    if not all(len(side) and np.isfinite(side).all() for side in logits):
        raise UserError("calibration needs finite logits of real and of fake samples: one set is empty or not finite")
    probability = expit(np.concatenate(logits))
    real = np.repeat([1.0, 0.0], [len(side) for side in logits])
    weight = np.repeat([0.5 / len(side) for side in logits], [len(side) for side in logits])
    which = np.minimum((probability * bins).astype(int), bins - 1)
    return float(np.abs(np.bincount(which, weight * (real - probability), bins)).sum())
