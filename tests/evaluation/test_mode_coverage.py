"""Modes and shares that can be counted by hand, and a mixture's own samples."""

import numpy as np
import pytest
from scipy import stats

from genjax_models.core.errors import UserError
from genjax_models.evaluation import mode_coverage

CENTRES = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])


def test_by_hand():
    """Five samples at the first mode, one of them beyond three deviations, two at the second, one far from all."""
    near = np.array([[0.0, 0.29], [0.1, 0.0], [0.0, 0.0], [-0.2, 0.2], [0.31, 0.0]])
    samples = np.concatenate([near, [[1.0, 0.1], [1.2, 0.2]], [[0.5, 0.5]]])
    out = mode_coverage(samples, CENTRES, 0.1)
    assert out.modes == 2
    assert out.high_quality == pytest.approx(6 / 8)
    assert out.reverse_kl == pytest.approx(stats.entropy([4, 2, 0, 0], [1, 1, 1, 1]))
    assert mode_coverage(samples, CENTRES, 0.1, within=4.0).high_quality == pytest.approx(7 / 8)


def test_of_a_mixtures_own_samples():
    rng = np.random.default_rng(0)
    samples = CENTRES[rng.integers(4, size=20_000)] + 0.05 * rng.normal(size=(20_000, 2))
    out = mode_coverage(samples, CENTRES, 0.05)
    share = 1 - np.exp(-4.5)
    assert out.modes == 4
    assert out.high_quality == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 20_000))
    assert 0 <= out.reverse_kl < 4 * 3 / (2 * 20_000)  # 2 n KL is nearly chi-square, of mean 3


def test_collapse_and_noise():
    assert mode_coverage(np.zeros((7, 2)), CENTRES, 0.1) == (1, 1.0, pytest.approx(np.log(4)))
    out = mode_coverage(np.full((3, 2), 9.0), CENTRES, 0.1)
    assert (out.modes, out.high_quality) == (0, 0.0)
    assert np.isnan(out.reverse_kl)
    with pytest.raises(UserError, match="at least 1"):
        mode_coverage(np.zeros((0, 2)), CENTRES, 0.1)
    with pytest.raises(ValueError, match="positive"):
        mode_coverage(np.zeros((1, 2)), CENTRES, 0.0)
