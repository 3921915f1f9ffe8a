"""The tasks that every family is asked for in one way: `sample, log_prob, encode, decode, impute, score_anomaly`."""

from collections.abc import Callable
from typing import Any

from genjax_models.core.errors import UnsupportedError
from genjax_models.core.types import Key, Likelihood, PyTree
from genjax_models.training.experiment import Experiment

ABLE = {
    "sample": "every generative family",
    "log_prob": "normalizing flows, variational autoencoders of one bound (not WAE, AAE or VAE-GAN), diffusion, score "
    "SDEs or flow matching",
    "encode": "normalizing flows, variational autoencoders, GANs, diffusion, score SDEs or flow matching",
    "decode": "normalizing flows, variational autoencoders, GANs, diffusion, score SDEs or flow matching",
    "impute": "normalizing flows or of variational autoencoders of one vector and one bound",
}
"""Which families have each task; `score_anomaly` is theirs that have `log_prob`."""


def capability(experiment: Experiment, task: str) -> Callable[..., Any]:
    """The function `experiment.<task>`.

    Raises:
      UnsupportedError: if this experiment has none; the line names the families that do.
    """
    function = getattr(experiment, task)
    if function is None:
        raise UnsupportedError(f"this experiment has no {task}: choose a config of {ABLE[task]}")
    return function


def score_anomaly(key: Key, experiment: Experiment, params: dict[str, PyTree], batch: PyTree) -> Likelihood:
    """How unlikely the batch's `x` is: `-log p(x)` `[B]`, nats, with the kind of likelihood that it comes from.

    Deep likelihoods rank simple images above the data they were trained on (Nalisnick et al., 2019,
    https://arxiv.org/abs/1810.09136): compare with what the same score gives another set before trusting it.

    Raises:
      UnsupportedError: if the experiment has no likelihood.
    """
    found = capability(experiment, "log_prob")(key, params, batch)
    return Likelihood(-found.value, found.kind, found.stderr)
