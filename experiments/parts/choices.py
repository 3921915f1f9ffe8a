"""The names that a config on a Gaussian path may use, and what each stands for."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from genjax_models import processes
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key
from genjax_models.families.diffusion import samplers
from genjax_models.families.flow_matching import euler, heun, interpolant_sde, midpoint, rk4
from genjax_models.processes import PREDICTIONS, GaussianProcess, times, weightings
from genjax_models.solvers import Sampler, power_grid, shifted_grid, uniform_grid
from genjax_models.training.names import pick

PROCESSES: dict[str, Callable[[], GaussianProcess]] = {
    "ddpm": processes.ddpm,
    "vp": processes.vp,
    "sub_vp": processes.sub_vp,
    "ve": processes.ve,
    "edm": processes.edm,
    "cosine": processes.cosine,
    "sigmoid": processes.sigmoid,
    "linear_log_snr": processes.linear_log_snr,
    "trigonometric": processes.trigonometric,
    "rectified_flow": processes.rectified_flow,
}
SAMPLERS: dict[str, Callable[[], Sampler]] = {
    "ancestral": samplers.ancestral,
    "ancestral_large": partial(samplers.ancestral, large_variance=True),
    "ddim": samplers.ddim,
    "ddim_stochastic": partial(samplers.ddim, 1.0),
    "deis": samplers.deis,
    "dpm_solver_2": partial(samplers.dpm_singlestep, 2),
    "dpm_solver_3": partial(samplers.dpm_singlestep, 3),
    "dpm_solver_pp_2s": partial(samplers.dpm_singlestep, 2, "x0"),
    "dpm_solver_pp_2m": samplers.dpm_multistep,
    "dpm_solver_pp_3m": partial(samplers.dpm_multistep, 3),
    "sde_dpm_solver_pp_2m": samplers.sde_dpm_multistep,
    "edm_heun": samplers.edm_heun,
    "edm_stochastic": partial(samplers.edm_heun, 0.1),
    "euler_maruyama": samplers.euler_maruyama,
    "plms": samplers.plms,
    "pndm": samplers.pndm,
    "predictor_corrector": lambda: samplers.predictor_corrector(
        samplers.reverse_diffusion(), samplers.langevin_corrector()
    ),
    "reverse_diffusion": samplers.reverse_diffusion,
    "unipc": samplers.unipc,
    "euler": euler,
    "heun": heun,
    "interpolant_sde": interpolant_sde,
    "midpoint": midpoint,
    "rk4": rk4,
}


NEED_SIGNAL = ("edm_heun", "edm_stochastic", "euler_maruyama", "plms", "pndm")
"""Samplers that divide by the signal, or by what is left of it, where they start."""
STOCHASTIC = (
    "ancestral",
    "ancestral_large",
    "ddim_stochastic",
    "edm_stochastic",
    "euler_maruyama",
    "interpolant_sde",
    "predictor_corrector",
    "reverse_diffusion",
    "sde_dpm_solver_pp_2m",
)
"""Samplers whose end does not follow from where they start."""


def any_process(f: Callable[..., Array]) -> Callable[..., Array]:
    """`f` where a process is handed first, which it does not need."""
    return lambda process, *args, **options: f(*args, **options)


TIMES: dict[str, Callable[..., Array]] = {
    "uniform": any_process(times.uniform_time),
    "stratified": any_process(times.stratified_time),
    "logit_normal": any_process(times.logit_normal_time),
    "discrete": any_process(times.discrete_time),
    "log_normal_sigma": lambda process, key, n, **options: times.log_normal_sigma_time(
        key, n, process=process, **options
    ),
}
WEIGHTINGS: dict[str, weightings.Weighting] = {  # and `edm`, see `make_weighting`
    "unweighted": weightings.unweighted,
    "likelihood": weightings.likelihood,
    "min_snr": weightings.min_snr(),
    "p2": weightings.p2(),
    "sigmoid": weightings.sigmoid(),
} | {prediction: weightings.on_type(prediction) for prediction in PREDICTIONS}
GRIDS: dict[str, Callable[..., Array]] = {
    "uniform": any_process(uniform_grid),
    "quadratic": any_process(power_grid),
    "shifted": any_process(shifted_grid),
    "karras": processes.karras_grid,
    "log_snr": processes.log_snr_grid,
}


def make_process(config: ConfigDict) -> GaussianProcess:
    """The process that `config.process` names, one that the model can be sampled on.

    Raises:
      UserError: if it or the prediction type is unknown, a sampler cannot run on it, or it cannot convert the
        prediction where sampling starts.
    """
    process = pick("process", config.process, PROCESSES)()
    grid = check_sampling(config, process)
    if "prediction" in config:
        pick("prediction", config.prediction, PREDICTIONS)
        if not process.can_convert(config.prediction, grid[0]):
            able = [name for name in PREDICTIONS if process.can_convert(name, grid[0])]
            raise UserError(
                f"config.process={config.process} has no signal at t = {float(grid[0]):g}, where {config.prediction!r} "
                f"cannot be converted: set config.prediction to one of {', '.join(able)}, or start config.sample.grid "
                "lower"
            )
    return process


def check_sampling(config: ConfigDict, process: GaussianProcess) -> Array:
    """The grid of `config.sample`, which can be run as the rows of `config.eval` can.

    Raises:
      UserError: if one of them cannot, see `sampling_grid`.
    """
    for sampler, steps in config.eval.rows:
        sampling_grid(config, process, sampler, steps)
    return sampling_grid(config, process, config.sample.sampler, config.sample.steps)


def sampling_grid(config: ConfigDict, process: GaussianProcess, sampler: str, steps: int) -> Array:
    """The times `[steps + 1]` that the sampler of this name goes through; values are checked where they are known.

    Raises:
      UserError: if the grid cannot be made, does not descend strictly, or starts where the sampler has no value.
    """
    grid = make_grid(config, process, steps)
    if isinstance(grid, jax.core.Tracer):
        return grid
    if not bool((jnp.diff(grid) < 0.0).all()):
        raise UserError(f"config.sample.grid does not descend strictly in {steps} steps: {grid.tolist()}")
    signal = process.alpha(grid[0])
    if sampler in NEED_SIGNAL and not isinstance(signal, jax.core.Tracer) and not signal > 0:
        raise UserError(
            f"{sampler} needs a signal, of which there is none at t = {float(grid[0]):g}: start config.sample.grid "
            "lower, or choose another sampler"
        )
    return grid


def make_weighting(config: ConfigDict) -> weightings.Weighting:
    """The weighting that `config.weighting` names; EDM's is that of `config.sigma_data`.

    Raises:
      UserError: if it is unknown, or `sigma_data` not positive.
    """
    if not config.sigma_data > 0:
        raise UserError(f"config.sigma_data={config.sigma_data} must be positive")
    return pick("weighting", config.weighting, WEIGHTINGS | {"edm": weightings.edm(config.sigma_data)})


def make_time(config: ConfigDict, process: GaussianProcess) -> Callable[[Key, int], Array]:
    """The time sampler that `config.time` names, with its options bound."""
    return partial(pick("time.name", config.time.name, TIMES), process, **config.time.options)


def make_grid(config: ConfigDict, process: GaussianProcess, steps: int) -> Array:
    """The grid that `config.sample.grid` names: `[steps + 1]`.

    Raises:
      UserError: if it is unknown, has another option, or cannot have so few steps.
    """
    make = pick("sample.grid.name", config.sample.grid.name, GRIDS)
    try:
        return make(process, steps, **config.sample.grid.options)
    except (TypeError, ValueError) as error:
        raise UserError(f"cannot make {steps} steps of config.sample.grid: {error}") from None
