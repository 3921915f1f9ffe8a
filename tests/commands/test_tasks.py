"""What an experiment can be asked for, and what it says when it cannot."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.config.modules import modules
from experiments.run.tasks import TASKS, able_to, capability, score_anomaly
from genjax_models.core.errors import UnsupportedError
from genjax_models.core.types import Likelihood
from genjax_models.data.spec import of_vectors
from genjax_models.training import Experiment, Inference

SPEC = of_vectors("numbers", 1)


def test_the_score_of_an_anomaly_is_minus_the_log_likelihood_and_keeps_its_kind():
    density = lambda key, model, batch: Likelihood(-0.5 * batch["x"] ** 2, "exact")
    experiment = Experiment(SPEC, init=lambda key: ({}, {}), players=(), log_prob=density)
    score = score_anomaly(jax.random.key(0), experiment, Inference({}, {}), {"x": jnp.array([0.0, 2.0])})
    np.testing.assert_array_equal(score.value, [0.0, 2.0])
    assert score.kind == "exact"


@pytest.mark.parametrize("task", TASKS)
def test_a_missing_task_names_the_experiments_that_have_it(task):
    experiment = Experiment(SPEC, init=lambda key: ({}, {}), players=())
    with pytest.raises(UnsupportedError) as error:
        capability(experiment, task)
    names = str(error.value).partition("choose a config of ")[2].split(", ")
    assert names == [name.removeprefix("experiments.") for name in able_to(task)]
    having = {name.removeprefix("experiments.") for name, module in modules().items() if task in module.TASKS}
    assert set(names) == having != set()
