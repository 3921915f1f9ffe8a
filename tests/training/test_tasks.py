"""What an experiment can be asked for, and what it says when it cannot."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from genjax_models.training.tasks import ABLE, capability, score_anomaly

from genjax_models.core.errors import UnsupportedError
from genjax_models.core.types import Likelihood
from genjax_models.training import Experiment


def test_the_score_of_an_anomaly_is_minus_the_log_likelihood_and_keeps_its_kind():
    density = lambda key, params, batch: Likelihood(-0.5 * batch["x"] ** 2, "exact")
    experiment = Experiment(init=lambda key: ({}, {}), players=(), log_prob=density)
    score = score_anomaly(jax.random.key(0), experiment, {}, {"x": jnp.array([0.0, 2.0])})
    np.testing.assert_array_equal(score.value, [0.0, 2.0])
    assert score.kind == "exact"


@pytest.mark.parametrize("task", ABLE)
def test_a_missing_task_names_the_families_that_have_it(task):
    experiment = Experiment(init=lambda key: ({}, {}), players=())
    with pytest.raises(UnsupportedError, match=re.escape(ABLE[task])):
        capability(experiment, task)
