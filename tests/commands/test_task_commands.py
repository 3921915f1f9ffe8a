"""The commands of tasks: how well a score tells two sets apart, and which half of an image is seen."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from experiments.anomaly import auroc
from experiments.impute import observed


def test_auroc_is_that_of_scikit_learn_ties_included():
    random = np.random.default_rng(0)
    own, other = random.integers(0, 9, 40), random.integers(3, 12, 25)
    expected = roc_auc_score(np.repeat([0, 1], [40, 25]), np.concatenate([own, other]))
    assert auroc(own, other) == pytest.approx(expected, abs=1e-12)
    assert auroc(np.zeros(3), np.ones(4)) == 1.0


@pytest.mark.parametrize("name", ["top", "left", "random"])
def test_half_of_an_image_is_seen_and_whole_pixels_of_it(name):
    seen = observed(name, (5, 8, 8, 3))
    assert (seen[..., 0] == seen[..., 2]).all()
    assert 0.4 < seen.mean() < 0.6
    if name == "top":
        assert seen[:, :4].all()
