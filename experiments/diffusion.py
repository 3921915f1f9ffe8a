"""Diffusion: the default config (DDPM's), and the experiment it describes."""

from functools import partial

from ml_collections import ConfigDict

from experiments import gaussian_path
from genjax_models.families.diffusion import denoising_loss
from genjax_models.training import Experiment
from genjax_models.training.names import pick


def get_config() -> ConfigDict:
    """DDPM: the discrete linear-beta chain, noise prediction, the unweighted loss, ancestral sampling."""
    config = gaussian_path.default_config()
    config.experiment = "experiments.diffusion"
    config.process = "ddpm"
    config.prediction = "eps"
    config.weighting = "unweighted"
    config.time.name = "discrete"
    config.sample.update({"sampler": "ancestral", "steps": 1000, "clip": True})
    return config


def build(config: ConfigDict) -> Experiment:
    """Bind the config's network to the denoising loss."""
    loss = partial(
        denoising_loss,
        process=pick("process", config.process, gaussian_path.PROCESSES)(),
        prediction=config.prediction,
        weighting=pick("weighting", config.weighting, gaussian_path.WEIGHTINGS),
        time=gaussian_path.make_time(config),
    )
    return gaussian_path.build(config, loss)
