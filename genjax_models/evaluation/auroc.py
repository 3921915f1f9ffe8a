r"""How well a score separates two sets: the area under the ROC curve, $P(s_b > s_a) + \tfrac12 P(s_b = s_a)$.

References:
  Hanley and McNeil, The meaning and use of the area under a receiver operating characteristic curve, 1982
"""

import numpy as np
from scipy.stats import rankdata


def auroc(own: np.ndarray, other: np.ndarray) -> float:
    """The chance that a score of `other` `[M]` lies above one of `own` `[N]`, by Mann and Whitney's rank sum.

    Raises:
      ValueError: if a set is empty.
    """
    if not len(own) or not len(other):
        raise ValueError(f"two sets of scores are needed, got {len(own)} and {len(other)}")
    ranks = rankdata(np.concatenate([own, other]))[len(own) :]
    return float((ranks.sum() - len(other) * (len(other) + 1) / 2) / (len(own) * len(other)))
