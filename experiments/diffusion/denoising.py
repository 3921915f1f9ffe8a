"""Diffusion and score SDEs: the default config (DDPM's), and the experiment it describes."""

from collections.abc import Callable
from typing import cast

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from experiments import gaussian_path
from experiments.config import sections
from experiments.gaussian_path import Bound, Network, registry
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key, LossOutput, PyTree
from genjax_models.families.diffusion import c_noise, denoising_loss, precondition, uncertainty_loss
from genjax_models.nets import LogLoss
from genjax_models.processes import Denoiser
from genjax_models.training import Experiment
from genjax_models.training.settings import POSITIVE, Section, Setting, defaults

TASKS: tuple[str, ...] = ("sample", "log_prob", "encode", "decode")
"""What it can do, see `experiments.run.tasks`."""

FIELDS: Section = {
    **sections.experiment("experiments.diffusion"),
    **gaussian_path.FIELDS,
    "weighting": Setting("unweighted", "of the loss over noise levels"),
    "weighting_options": sections.options("gamma of min_snr, k and gamma of p2, bias of sigmoid"),
    "precondition": Setting(False, "EDM's scaling of the network's input and output; the prediction is then x0"),
    "sigma_data": Setting(0.5, "root mean square of the data, by which EDM scales and weights", POSITIVE),
    "uncertainty": Setting(False, "EDM2's: each noise level is weighted by its expected loss, which is learned too"),
}


def get_config() -> ConfigDict:
    """DDPM: the discrete linear-beta chain, noise prediction, the unweighted loss, ancestral sampling."""
    config = defaults(FIELDS)
    config.process = "ddpm"
    config.prediction = "eps"
    config.time.name = "discrete"
    config.sample.update({"sampler": "ancestral", "steps": 1000, "threshold": "static"})
    config.eval.rows = (
        ("ancestral", 1000),
        ("ddim", 50),
        ("ddim", 20),
        ("ddim", 10),
        ("dpm_solver_pp_2m", 20),
        ("dpm_solver_pp_2m", 10),
    )
    return config


def edm_config() -> ConfigDict:
    """EDM: preconditioned network, log-normal noise levels, Heun's method on EDM's grid."""
    config = get_config()
    config.update({"process": "edm", "precondition": True, "prediction": "x0", "weighting": "edm"})
    config.time.name = "log_normal_sigma"
    config.sample.update({"sampler": "edm_heun", "steps": 18, "threshold": "none"})
    config.sample.grid.name = "karras"
    config.eval.rows = (
        ("edm_heun", 5),
        ("edm_heun", 10),
        ("edm_heun", 18),
        ("edm_stochastic", 18),
        ("dpm_solver_pp_2m", 10),
        ("dpm_solver_pp_2m", 20),
    )
    return config


def vp_sde_config() -> ConfigDict:
    """The variance-preserving SDE: continuous time, dequantised bytes, SDE and ODE samplers."""
    config = get_config()
    config.process = "vp"
    config.time.update({"name": "uniform", "options": ConfigDict({"low": 1e-5})})
    config.train.dequantize = True
    config.sample.update({"sampler": "predictor_corrector", "steps": 500, "threshold": "none"})
    config.eval.rows = (("predictor_corrector", 500), ("euler_maruyama", 500), ("dpm_solver_pp_2m", 20))
    return config


def ve_sde_config() -> ConfigDict:
    """The variance-exploding SDE, the network scaled as EDM scales it."""
    config = get_config()
    config.update({"process": "ve", "precondition": True, "prediction": "x0", "weighting": "eps"})
    config.time.name = "uniform"  # bytes need no dequantising: the least noise, 0.01, is wider than one
    config.sample.update({"sampler": "predictor_corrector", "steps": 500, "threshold": "none"})
    config.eval.rows = (("predictor_corrector", 500), ("reverse_diffusion", 500), ("edm_heun", 18))
    return config


def ncsn_config() -> ConfigDict:
    """Noise-conditional score networks: eleven geometric noise levels, annealed Langevin dynamics on ten of them.

    The levels are twice the paper's, whose pixels lie in [0, 1]; minus the network's output over the noise is the
    score, as in Song and Ermon, Improved Techniques for Training Score-Based Generative Models, 2020, section 3.3.
    """
    config = get_config()
    config.update({"process": "ve", "prediction": "eps"})
    config.process_options.update({"sigma_min": 0.02, "sigma_max": 2.0})
    config.time.options.update({"num_steps": 10, "first": 0})
    config.sample.update({"sampler": "annealed_langevin", "steps": 10, "threshold": "none"})
    config.sample.options.annealed_langevin = {"step_size": 0.1, "num_steps": 100}  # the paper's epsilon of 2e-5
    config.eval.rows = (("annealed_langevin", 10), ("edm_heun", 18))
    return config


def build(config: ConfigDict) -> Experiment:
    """Bind the config's network to the denoising loss.

    Raises:
      UserError: if a name is unknown, a number out of range, or a preconditioned network is to predict another thing
        than x0.
    """
    if config.precondition and config.prediction != "x0":
        raise UserError(f"a preconditioned network predicts x0: set config.prediction=x0, not {config.prediction}")
    process = registry.make_process(config)
    weighting = registry.make_weighting(config)
    time = registry.make_time(config, process)
    log_loss = LogLoss()

    def initial(params: PyTree) -> PyTree:
        if not config.uncertainty:
            return params
        return {"net": params, "log_loss": log_loss.init(jax.random.key(0), jnp.zeros(1))["params"]}

    def denoiser(params: PyTree, net: Network) -> Denoiser:
        model = net(params["net"] if config.uncertainty else params)
        scaled = precondition(model, process, config.sigma_data) if config.precondition else model
        return Denoiser(process, scaled, config.prediction)

    def loss(key: Key, bound: Bound, x: Array) -> LossOutput:
        model = denoiser(bound.params, bound.net).model
        output = denoising_loss(
            key, model, x, process=process, prediction=config.prediction, weighting=weighting, time=time
        )
        if not config.uncertainty:
            return output
        expected = lambda t: log_loss.apply({"params": bound.params["log_loss"]}, c_noise(process, t))
        return uncertainty_loss(output, cast(Callable[[Array], Array], expected))

    return gaussian_path.build(
        config, process, loss, denoiser, likelihood=gaussian_path.ode_likelihood(config, process), init=initial
    )
