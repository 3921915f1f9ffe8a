"""The tasks that all families share one interface for, and the error of a family that lacks one."""

from collections.abc import Callable
from typing import Any

from experiments.config.modules import modules
from genjax_models.core.errors import UnsupportedError
from genjax_models.core.types import Key, Likelihood, PyTree
from genjax_models.training import Experiment, Inference

TASKS = ("sample", "log_prob", "encode", "decode", "impute")
"""Functions of `Experiment`; `score_anomaly` is theirs that have `log_prob`."""


def capability(experiment: Experiment, task: str) -> Callable[..., Any]:
    """The function `experiment.<task>`.

    Raises:
      UnsupportedError: if this experiment has none; the line names those that do.
    """
    function = getattr(experiment, task)
    if function is None:
        able = ", ".join(name.removeprefix("experiments.") for name in able_to(task))
        raise UnsupportedError(f"this experiment has no {task}: choose a config of {able}")
    return function


def able_to(task: str) -> list[str]:
    """The experiments that have a task, by what each states of itself in `TASKS`."""
    return [name for name, module in modules().items() if task in getattr(module, "TASKS", ())]


def score_anomaly(key: Key, experiment: Experiment, model: Inference, batch: PyTree) -> Likelihood:
    """How unlikely the examples of a batch are: `-log p(x)` `[B]`, nats, with the kind of likelihood it comes from.

    Deep likelihoods rank simple images above the data they were trained on (Nalisnick et al., 2019,
    https://arxiv.org/abs/1810.09136): compare with what the same score gives another set before trusting it.

    Raises:
      UnsupportedError: if the experiment has no likelihood.
    """
    found = capability(experiment, "log_prob")(key, model, batch)
    return Likelihood(-found.value, found.kind, found.stderr)
