"""The names that a config on a Gaussian path may use, and their values."""

from collections.abc import Callable, Mapping
from functools import partial

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from genjax_models import processes
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key
from genjax_models.families.diffusion import samplers
from genjax_models.families.flow_matching import adaptive_ode, euler, heun, interpolant_sde, midpoint, rk4
from genjax_models.guidance import dynamic_threshold, static_threshold
from genjax_models.processes import PREDICTIONS, Denoiser, GaussianProcess, times, weightings
from genjax_models.solvers import Sampler, given_grid, power_grid, shifted_grid, uniform_grid
from genjax_models.training.names import pick

PROCESSES: dict[str, Callable[..., GaussianProcess]] = {
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


def predictor_corrector(snr: float = 0.16, num_steps: int = 1) -> Sampler:
    """Reverse diffusion, each step followed by `num_steps` of Langevin's at this signal-to-noise ratio."""
    return samplers.predictor_corrector(
        samplers.reverse_diffusion(), samplers.langevin_corrector(snr, num_steps), num_steps
    )


Samplers = Mapping[str, Callable[..., Sampler]]

SAMPLERS: dict[str, Callable[..., Sampler]] = {
    "adaptive_ode": adaptive_ode,
    "ancestral": samplers.ancestral,
    "ancestral_large": partial(samplers.ancestral, large_variance=True),
    "annealed_langevin": samplers.annealed_langevin,
    "ddim": samplers.ddim,
    "ddim_stochastic": partial(samplers.ddim, eta=1.0),
    "deis": samplers.deis,
    "dpm_solver_1": partial(samplers.dpm_singlestep, 1),
    "dpm_solver_2": partial(samplers.dpm_singlestep, 2),
    "dpm_solver_3": partial(samplers.dpm_singlestep, 3),
    "dpm_solver_2m": partial(samplers.dpm_multistep, 2, "eps"),
    "dpm_solver_3m": partial(samplers.dpm_multistep, 3, "eps"),
    "dpm_solver_pp_2s": partial(samplers.dpm_singlestep, 2, "x0"),
    "dpm_solver_pp_2m": samplers.dpm_multistep,
    "dpm_solver_pp_3m": partial(samplers.dpm_multistep, 3),
    "sde_dpm_solver_pp_2m": samplers.sde_dpm_multistep,
    "edm_heun": samplers.edm_heun,
    "edm_stochastic": partial(samplers.edm_heun, s_churn=1.8),
    "euler_maruyama": samplers.euler_maruyama,
    "plms": samplers.plms,
    "pndm": samplers.pndm,
    "predictor_corrector": predictor_corrector,
    "reverse_diffusion": samplers.reverse_diffusion,
    "unipc": samplers.unipc,
    "euler": euler,
    "heun": heun,
    "interpolant_sde": interpolant_sde,
    "midpoint": midpoint,
    "rk4": rk4,
}


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
WEIGHTINGS: dict[str, Callable[..., weightings.Weighting]] = {
    "unweighted": lambda: weightings.unweighted,
    "likelihood": lambda: weightings.likelihood,
    "edm": weightings.edm,  # of the config's `sigma_data`
    "min_snr": weightings.min_snr,
    "p2": weightings.p2,
    "sigmoid": weightings.sigmoid,
    **{prediction: partial(weightings.on_type, prediction) for prediction in PREDICTIONS},
}
THRESHOLDS: dict[str, Callable[..., Denoiser]] = {
    "none": lambda denoiser: denoiser,
    "static": static_threshold,
    "dynamic": dynamic_threshold,
}
GRIDS: dict[str, Callable[..., Array]] = {
    "given": any_process(given_grid),
    "uniform": any_process(uniform_grid),
    "quadratic": any_process(power_grid),
    "shifted": any_process(shifted_grid),
    "karras": processes.karras_grid,
    "log_snr": processes.log_snr_grid,
}


def make_process(config: ConfigDict, samplers: Samplers = SAMPLERS) -> GaussianProcess:
    """`transformed_process`, one that the model can be sampled on by the samplers that its config names.

    Raises:
      UserError: if it or the prediction type is unknown, its options do not suit it, a sampler cannot run on it, or it
        cannot convert the prediction where sampling starts.
    """
    process = transformed_process(config)
    grid = check_sampling(config, process, samplers)
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


def transformed_process(config: ConfigDict) -> GaussianProcess:
    """The process that `config.process` names, with `config.process_options`: its own, and the transforms.

    Raises:
      UserError: if it is unknown or its options do not suit it.
    """
    options = config.process_options.to_dict()
    zero, shift = options.pop("zero_terminal_snr", False), options.pop("shift", 1.0)
    try:
        process = pick("process", config.process, PROCESSES)(**options)
        if zero and not preserves_variance(process):
            raise ValueError("zero_terminal_snr is for processes that preserve the variance")
        process = processes.zero_terminal_snr(process) if zero else process
        return processes.shift_log_snr(process, shift) if shift != 1.0 else process
    except (TypeError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"config.process_options do not suit {config.process}: {error}") from None


def preserves_variance(process: GaussianProcess) -> bool:
    """Whether the squares of signal and noise sum to one at all times."""
    t = jnp.linspace(0.0, 1.0, 11)
    return bool(jnp.allclose(process.alpha(t) ** 2 + process.sigma(t) ** 2, 1.0, atol=1e-4))


def check_sampling(config: ConfigDict, process: GaussianProcess, samplers: Samplers = SAMPLERS) -> Array:
    """The grid of `config.sample`, which can be run as the rows of `config.eval` can.

    Raises:
      UserError: if a sampler is unknown, or one of them cannot be run, see `sampling_grid`.
    """
    for name, steps in config.eval.rows:
        pick("eval.rows", name, samplers)
        sampling_grid(config, process, name, steps, samplers)
    pick("sample.sampler", config.sample.sampler, samplers)
    return sampling_grid(config, process, config.sample.sampler, config.sample.steps, samplers)


def sampling_grid(
    config: ConfigDict, process: GaussianProcess, name: str, steps: int, samplers: Samplers = SAMPLERS
) -> Array:
    """The times `[steps + 1]` that the sampler of this name goes through; values are checked where they are known.

    Raises:
      UserError: if the sampler is unknown, its options do not suit it, the grid cannot be made, does not descend
        strictly, or goes where the sampler, its guide or a consistency model has no value.
    """
    sampler = make_sampler(config, name, samplers)
    if config.sample.guide.name == "cfg_plus_plus" and not sampler.steps_from_x0_and_eps:
        able = [name for name, make in samplers.items() if make().steps_from_x0_and_eps]
        raise UserError(f"CFG++ is for samplers that step from data and noise alike, {', '.join(able)}")
    grid = make_grid(config, process, steps)
    if isinstance(grid, jax.core.Tracer):
        return grid
    if not bool((jnp.diff(grid) < 0.0).all()):
        raise UserError(f"config.sample.grid does not descend strictly in {steps} steps: {grid.tolist()}")
    signal, noise = process.alpha(grid[0]), process.sigma(grid[-1])
    if isinstance(signal, jax.core.Tracer):
        return grid
    if sampler.needs_noise and not noise > 0:
        raise UserError(f"{name} needs noise, of which there is none at t = 0: raise config.sample.grid.options.end")
    if config.sample.guide.name == "classifier" and not signal > 0:
        raise UserError("a classifier has no information at pure noise: start config.sample.grid below t = 1")
    if "t_min" in config and (grid[:-1].min() < config.t_min - 1e-6 or grid[-1] > config.t_min + 1e-6):
        raise UserError(
            f"{steps} steps of config.sample.grid ask the consistency model below config.t_min, or end above it: set "
            f"config.sample.grid.options.end={config.t_min}"
        )
    if sampler.needs_signal and not signal > 0:
        raise UserError(
            f"{name} needs a signal, of which there is none at t = {float(grid[0]):g}: start config.sample.grid "
            "lower, or choose another sampler"
        )
    return grid


def noise_end(config: ConfigDict, process: GaussianProcess) -> float:
    """Where the probability flow ends: t = 1, or where sampling starts if the prediction cannot be converted there."""
    if process.can_convert(config.get("prediction", "x0"), jnp.ones(())):
        return 1.0
    return float(make_grid(config, process, config.sample.steps)[0])


def make_weighting(config: ConfigDict) -> weightings.Weighting:
    """The weighting that `config.weighting` names, with `config.weighting_options`; EDM's has `config.sigma_data`.

    Raises:
      UserError: if it is unknown or its options do not suit it.
    """
    options = {"sigma_data": config.sigma_data} if config.weighting == "edm" else {}
    make = pick("weighting", config.weighting, WEIGHTINGS)
    try:
        return make(**options, **config.get("weighting_options", {}))
    except (TypeError, ValueError) as error:
        raise UserError(f"config.weighting_options do not suit {config.weighting}: {error}") from None


def make_time(config: ConfigDict, process: GaussianProcess) -> Callable[[Key, int], Array]:
    """The time sampler that `config.time` names, with its options bound.

    Raises:
      UserError: if it is unknown or its options do not suit it.
    """
    time = partial(pick("time.name", config.time.name, TIMES), process, **config.time.options)
    try:
        jax.eval_shape(partial(time, n=1), jax.random.key(0))
    except (TypeError, ValueError) as error:
        raise UserError(f"config.time.options do not suit {config.time.name}: {error}") from None
    return time


def make_sampler(config: ConfigDict, name: str, samplers: Samplers = SAMPLERS) -> Sampler:
    """The sampler of this name, with what `config.sample.options` has for it.

    Raises:
      UserError: if it is unknown or its options do not suit it.
    """
    make = pick("sampler", name, samplers)
    try:
        return make(**config.sample.get("options", {}).get(name, {}))
    except (TypeError, ValueError) as error:
        raise UserError(f"config.sample.options.{name} do not suit it: {error}") from None


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
