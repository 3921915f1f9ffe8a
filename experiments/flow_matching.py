"""Flow matching: the default config, and the experiment it describes."""

from functools import partial

from ml_collections import ConfigDict

from experiments import gaussian_path
from genjax_models.families.flow_matching import independent, minibatch_ot, velocity_loss
from genjax_models.training import Experiment
from genjax_models.training.names import pick

COUPLINGS = {"independent": independent, "minibatch_ot": minibatch_ot}


def get_config() -> ConfigDict:
    """Straight paths, velocity prediction, Euler sampling."""
    config = gaussian_path.default_config()
    config.experiment = "experiments.flow_matching"
    config.coupling = "independent"  # which noise a data point is paired with
    config.eval.rows = tuple((sampler, steps) for sampler in ("euler", "heun") for steps in (1, 2, 5, 10, 50))
    return config


def build(config: ConfigDict) -> Experiment:
    """Bind the config's network to the conditional flow-matching loss."""
    process = pick("process", config.process, gaussian_path.PROCESSES)()
    loss = partial(
        velocity_loss,
        process=process,
        prediction=config.prediction,
        time=gaussian_path.make_time(config, process),
        coupling=pick("coupling", config.coupling, COUPLINGS),
    )
    return gaussian_path.build(config, loss)
