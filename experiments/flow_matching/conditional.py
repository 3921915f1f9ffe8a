"""Flow matching: the default config, and the experiment it describes."""

from ml_collections import ConfigDict

from experiments import gaussian_path
from experiments.config import sections
from experiments.gaussian_path import Bound, Network, registry
from genjax_models.core.types import Array, Key, LossOutput, PyTree
from genjax_models.families.flow_matching import independent, minibatch_ot, velocity_loss
from genjax_models.processes import Denoiser
from genjax_models.training import Experiment
from genjax_models.training.names import pick
from genjax_models.training.settings import Section, Setting, defaults

COUPLINGS = {"independent": independent, "minibatch_ot": minibatch_ot}


TASKS: tuple[str, ...] = ("sample", "log_prob", "encode", "decode")
"""What it can do, see `experiments.run.tasks`."""

FIELDS: Section = {
    **sections.experiment("experiments.flow_matching"),
    **gaussian_path.FIELDS,
    "coupling": Setting("independent", "which noise a data point is paired with: independent or minibatch_ot"),
}


def get_config() -> ConfigDict:
    """Straight paths, velocity prediction, Euler sampling."""
    config = defaults(FIELDS)
    config.eval.rows = tuple((sampler, steps) for sampler in ("euler", "heun") for steps in (1, 2, 5, 10, 50))
    return config


def build(config: ConfigDict) -> Experiment:
    """Bind the config's network to the conditional flow-matching loss."""
    process = registry.make_process(config)
    time = registry.make_time(config, process)
    coupling = pick("coupling", config.coupling, COUPLINGS)

    def denoiser(params: PyTree, net: Network) -> Denoiser:
        return Denoiser(process, net(params), config.prediction)

    def loss(key: Key, bound: Bound, x: Array) -> LossOutput:
        model = bound.net(bound.params)
        return velocity_loss(key, model, x, process=process, prediction=config.prediction, time=time, coupling=coupling)

    return gaussian_path.build(
        config, process, loss, denoiser, likelihood=gaussian_path.ode_likelihood(config, process)
    )
