"""Variational diffusion models: network and noise schedule trained on the evidence bound."""

import math

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from experiments import gaussian_path
from experiments.config import sections
from experiments.gaussian_path import Bound, Network, registry
from genjax_models.core.errors import UserError
from genjax_models.core.likelihood import elbo
from genjax_models.core.types import Array, Key, Likelihood, LossOutput, PyTree
from genjax_models.families.diffusion import fourier_channels, pinned, vdm_loss
from genjax_models.modalities.image import to_float
from genjax_models.processes import Denoiser, GaussianProcess
from genjax_models.processes.learned import init_monotone, learned
from genjax_models.training import Experiment
from genjax_models.training.settings import Section, Setting, at_least, defaults, without

TASKS: tuple[str, ...] = ("sample", "log_prob", "encode", "decode")
"""What it can do, see `experiments.run.tasks`."""

FIELDS: Section = {
    **sections.experiment("experiments.diffusion.variational"),
    **without(gaussian_path.FIELDS, "process", "process_options", "prediction", "time"),
    "schedule": {
        "log_snr_min": Setting(-5.0, "at t = 1, where the schedule starts"),
        "log_snr_max": Setting(13.3, "at t = 0"),
        "hidden": Setting(1024, "units of the monotone network", at_least(1)),
    },
    "fourier": Setting((7, 8), "exponents of the Fourier features of the data, see `fourier_channels`"),
    "likelihood": {"samples": Setting(4, "draws of the bound an image", at_least(1), smoke=10)},
}


def get_config() -> ConfigDict:
    """Noise prediction, continuous time, a schedule that is learned for low variance, Fourier features of the input."""
    config = defaults(FIELDS)
    config.net.out_channels = 1  # those of the data: the network sees more
    config.sample.update({"sampler": "ancestral", "steps": 250})
    config.eval.rows = (("ancestral", 250), ("ddim", 50))
    return config


def build(config: ConfigDict) -> Experiment:
    """Bind the config's network, and the schedule, to the bound.

    Raises:
      UserError: if a name is unknown, the data are to be dequantised, or the grid cannot have so few steps.
    """
    if config.train.dequantize:
        raise UserError("the bound is that of bytes as they are: set config.train.dequantize=False")
    start = init_monotone(jax.random.key(0), **config.schedule)
    registry.check_sampling(config, learned(start))

    def at_level(model: Network, process: GaussianProcess, params: PyTree) -> Denoiser:
        """The network takes as its time how far the log-SNR has fallen between its ends, on [0, 1]."""

        def predict(x: Array, t: Array) -> Array:
            high, low = process.log_snr(jnp.zeros_like(t)), process.log_snr(jnp.ones_like(t))
            return model(params["net"])(x, (high - process.log_snr(t)) / (high - low))

        return Denoiser(process, predict, "eps")

    def denoiser(params: PyTree, net: Network) -> Denoiser:
        return at_level(net, learned(params["schedule"]), params)

    def loss(key: Key, bound: Bound, x: Array) -> LossOutput:
        process, schedule = pinned(bound.params["schedule"])
        bits = 1.0 / (x[0].size * math.log(2.0))  # a nat in bits/dim: rates and clipping then suit any size of image
        # The schedule's gradient is that of a square, in nats squared.
        schedule = jax.tree.map(lambda p: bits * p + jax.lax.stop_gradient((1.0 - bits) * p), schedule)
        model = at_level(bound.net, process, bound.params).model
        output = vdm_loss(key, model, x, process=process, schedule=schedule)
        return LossOutput(*jax.tree.map(lambda term: bits * term, output))

    def likelihood(key: Key, denoiser: Denoiser, x: Array) -> Likelihood:
        x = to_float(x)
        bound = lambda key: -vdm_loss(key, denoiser.model, x, process=denoiser.process).value
        return elbo(key, bound, samples=config.likelihood.samples)

    return gaussian_path.build(
        config,
        None,
        loss,
        denoiser,
        likelihood=likelihood,
        preprocess=lambda x: fourier_channels(x, config.fourier),
        init=lambda params: {"net": params, "schedule": start},
    )
