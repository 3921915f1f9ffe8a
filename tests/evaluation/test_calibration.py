"""Against scikit-learn's curve, and a discriminator whose calibration is known."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit
from sklearn.calibration import calibration_curve

from genjax_models.core.errors import UserError
from genjax_models.evaluation import calibration_error

RNG = np.random.default_rng(0)


def test_it_is_that_of_scikit_learns_curve():
    real, fake = RNG.normal(1.0, 2.0, 300), RNG.normal(-0.5, 1.5, 300)
    labels, probability = np.repeat([1, 0], 300), expit(np.concatenate([real, fake]))
    fraction, mean = calibration_curve(labels, probability, n_bins=8)
    counts = np.histogram(probability, bins=8, range=(0, 1))[0]
    expected = (counts[counts > 0] / 600 * np.abs(fraction - mean)).sum()
    assert calibration_error(real, fake, bins=8) == pytest.approx(expected, rel=1e-9)
    assert calibration_error(real, np.tile(fake, 3), bins=8) == pytest.approx(expected, rel=1e-9)


def test_the_best_discriminator_is_calibrated_and_a_bold_one_is_not():
    p, q = stats.norm(0.0, 1.0), stats.norm(1.0, 1.0)
    real, fake = (law.rvs(50_000, random_state=i) for i, law in enumerate((p, q)))
    logit = lambda x: p.logpdf(x) - q.logpdf(x)
    assert calibration_error(logit(real), logit(fake)) < 0.01  # twice the noise of ten bins, sqrt(10 / 1e5) / 2
    assert calibration_error(3 * logit(real), 3 * logit(fake)) > 0.1
    assert calibration_error([50.0, 50.0], [50.0]) == pytest.approx(0.5)
    assert calibration_error([50.0], [-50.0]) == pytest.approx(0.0, abs=1e-12)


def test_bad_logits_are_refused():
    for real, fake in (([], [1.0]), ([np.nan], [1.0])):
        with pytest.raises(UserError, match="finite logits"):
            calibration_error(real, fake)
