import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from genjax_models.evaluation.auroc import auroc


def test_it_is_scikit_learns_ties_included():
    random = np.random.default_rng(0)
    own, other = random.integers(0, 9, 40), random.integers(3, 12, 25)
    expected = roc_auc_score(np.repeat([0, 1], [40, 25]), np.concatenate([own, other]))
    assert auroc(own, other) == pytest.approx(expected, abs=1e-12)
    assert auroc(np.zeros(3), np.ones(4)) == 1.0


def test_an_empty_set_is_refused():
    with pytest.raises(ValueError, match="two sets"):
        auroc(np.zeros(0), np.ones(2))
