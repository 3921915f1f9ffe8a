"""Flow matching: the default config, and the experiment it describes."""

from functools import partial

from ml_collections import ConfigDict

from experiments import gaussian_path
from genjax_models.families.flow_matching import velocity_loss
from genjax_models.training import Experiment
from genjax_models.training.names import pick


def get_config() -> ConfigDict:
    """Straight paths, velocity prediction, Euler sampling."""
    config = gaussian_path.default_config()
    config.experiment = "experiments.flow_matching"
    return config


def build(config: ConfigDict) -> Experiment:
    """Bind the config's network to the conditional flow-matching loss."""
    loss = partial(
        velocity_loss,
        process=pick("process", config.process, gaussian_path.PROCESSES)(),
        prediction=config.prediction,
        time=gaussian_path.make_time(config),
    )
    return gaussian_path.build(config, loss)
