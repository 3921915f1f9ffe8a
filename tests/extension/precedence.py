"""An evaluator of rankings: which of each two items comes first, and as logits which item comes first of all."""

from itertools import combinations
from typing import NamedTuple

import numpy as np

from genjax_models.nets.feature.classifier import Features


class Precedence(NamedTuple):
    """`(rankings [N, K]) -> Features`: `[N, K (K - 1) / 2]` zeros and ones, and `[N, K]` logits."""

    name: str = "precedence"
    kind: str = "ranking"

    def __call__(self, x):
        """Features of rankings as they are stored."""
        place = np.argsort(np.asarray(x), axis=1)
        pairs = [place[:, a] < place[:, b] for a, b in combinations(range(place.shape[1]), 2)]
        return Features(np.stack(pairs, 1).astype(np.float32), np.where(place == 0, 20.0, 0.0).astype(np.float32))


def load_precedence(name, path, batch_size):
    """It has no weights."""
    return Precedence(name)
