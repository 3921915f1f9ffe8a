"""Improved DDPM: diffusion whose network also learns the reverse variance, and the bound that this gives."""

from collections.abc import Callable
from functools import partial
from typing import Any

from ml_collections import ConfigDict

from experiments import gaussian_path
from experiments.config import sections
from experiments.diffusion import denoising
from experiments.gaussian_path import Bound, Network, registry
from genjax_models.core.errors import UserError
from genjax_models.core.likelihood import elbo
from genjax_models.core.types import Array, Key, Likelihood, LossOutput, PyTree
from genjax_models.families.diffusion import (
    hybrid_loss,
    learned_variance_ancestral,
    variational_bound,
    without_variance,
)
from genjax_models.modalities.image import to_float
from genjax_models.processes import Denoiser
from genjax_models.solvers import Sampler
from genjax_models.training import Experiment, Inference, SampleRequest
from genjax_models.training.settings import Section, Setting, at_least, defaults, without

TASKS: tuple[str, ...] = ("sample", "log_prob")
"""What it can do, see `experiments.run.tasks`."""

FIELDS: Section = {
    **without(
        denoising.FIELDS,
        "weighting",
        "weighting_options",
        "precondition",
        "sigma_data",
        "uncertainty",
        "time",
        "likelihood",
    ),
    **sections.experiment("experiments.diffusion.learned_variance"),
    "chain": Setting(1000, "steps of the chain whose bound is trained and measured", at_least(2), smoke=8),
}


def get_config() -> ConfigDict:
    """The cosine schedule, noise prediction, the hybrid loss; the network has two outputs a channel."""
    config = defaults(FIELDS)
    config.update({"process": "cosine", "prediction": "eps"})
    config.net.out_channels = 2  # for each channel of the data
    config.sample.update({"sampler": "ancestral_learned", "steps": 100, "threshold": "none"})
    # At t = 1 the cosine schedule has next to no signal, and a small error of the noise is a large one of the data.
    config.sample.grid.options.start = 0.98
    config.eval.rows = (("ancestral_learned", 100), ("ancestral_learned", 25), ("ancestral", 25), ("ddim", 25))
    return config


UNGUIDED = (
    "a network with learned variance has neither threshold nor guidance: set sample.threshold=none, guidance to 1 and "
    "guide.name=classifier_free"
)


def of_the_mean(make: Callable[..., Sampler], **options: Any) -> Sampler:
    """A sampler that takes no notice of the learned variance."""
    plain = make(**options)

    def step(key: Key, denoiser: Denoiser, *rest: PyTree) -> tuple[Array, PyTree]:
        return plain.step(key, denoiser._replace(model=without_variance(denoiser.model)), *rest)

    return plain._replace(step=step)


SAMPLERS: dict[str, Callable[..., Sampler]] = {
    "ancestral_learned": learned_variance_ancestral,
    **{name: partial(of_the_mean, make) for name, make in registry.SAMPLERS.items()},
}


def build(config: ConfigDict) -> Experiment:
    """Bind the config's network to the hybrid loss.

    Raises:
      UserError: if a name is unknown, or an option would act on the variance as if it were the prediction.
    """
    if config.train.dequantize:
        raise UserError("the bound is that of bytes as they are: set config.train.dequantize=False")
    plainly = ("none", 1.0, "classifier_free")
    sampling = config.sample
    if (sampling.threshold, sampling.guidance, sampling.guide.name) != plainly or sampling.field_guidance:
        raise UserError(UNGUIDED)
    settings = {
        "process": registry.make_process(config, SAMPLERS),
        "num_steps": config.chain,
        "prediction": config.prediction,
    }

    def denoiser(params: PyTree, net: Network) -> Denoiser:
        return Denoiser(settings["process"], net(params), config.prediction)

    def loss(key: Key, bound: Bound, x: Array) -> LossOutput:
        return hybrid_loss(key, bound.net(bound.params), x, **settings)

    def likelihood(key: Key, denoiser: Denoiser, x: Array) -> Likelihood:
        x = to_float(x)
        return elbo(key, lambda key: -variational_bound(key, denoiser.model, x, **settings).value)

    experiment = gaussian_path.build(
        config, settings["process"], loss, denoiser, likelihood=likelihood, samplers=SAMPLERS
    )
    plain = experiment.sample
    assert plain is not None

    def draw(key: Key, model: Inference, request: SampleRequest) -> Array:
        if config.condition and request.guidance not in (None, 1.0):
            raise UserError(UNGUIDED)
        return plain(key, model, request)

    return experiment._replace(sample=draw, encode=None, decode=None)  # the ODE of a chain is not its model
