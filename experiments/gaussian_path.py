"""What the families on Gaussian paths share: network, objective and sampling from one config.

`diffusion.py` and `flow_matching.py` differ in their default config, in the loss they hand to `build` here, and in what
they make of the network; any sampler below runs on either, through the process's conversions.
"""

import importlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

import jax
import jax.numpy as jnp
from flax import linen as nn
from ml_collections import ConfigDict

from genjax_models import processes
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key, LossOutput, Model, PyTree
from genjax_models.data.preprocess import dequantize, random_flip, to_float
from genjax_models.families.diffusion import samplers
from genjax_models.families.flow_matching import euler, heun, midpoint, rk4
from genjax_models.guidance import classifier_free, drop_labels, static_threshold
from genjax_models.processes import Denoiser, GaussianProcess, times, weightings
from genjax_models.solvers import Sampler, power_grid, sample, shifted_grid, uniform_grid
from genjax_models.training import Experiment, Player, make_optimizer, training_config
from genjax_models.training.names import pick

Loss = Callable[[Key, Model, Array], LossOutput]

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
WEIGHTINGS: dict[str, weightings.Weighting] = {
    "unweighted": weightings.unweighted,
    "edm": weightings.edm(),
    "likelihood": weightings.likelihood,
    "min_snr": weightings.min_snr(),
    "p2": weightings.p2(),
    "sigmoid": weightings.sigmoid(),
} | {prediction: weightings.on_type(prediction) for prediction in processes.PREDICTIONS}
GRIDS: dict[str, Callable[..., Array]] = {
    "uniform": any_process(uniform_grid),
    "quadratic": any_process(power_grid),
    "shifted": any_process(shifted_grid),
    "karras": processes.karras_grid,
    "log_snr": processes.log_snr_grid,
}


def default_config() -> ConfigDict:
    """The fields that both families have; `net` may be replaced as a whole, since networks differ in theirs."""
    return ConfigDict(
        {
            "data": {"name": "digits", "shape": (8, 8, 1), "num_classes": 10},
            "net": {"name": "genjax_models.nets.DiT", "patch_size": 2, "width": 128, "depth": 4, "heads": 4},
            "conditional": False,  # on the class label
            "label_dropout": 0.1,  # share of labels replaced by the null class, for classifier-free guidance
            "process": "rectified_flow",
            "prediction": "velocity",
            "time": {"name": "uniform", "options": ConfigDict()},
            "train": training_config(),
            "sample": {
                "sampler": "euler",
                "steps": 50,
                "grid": {"name": "uniform", "options": ConfigDict()},
                "guidance": 1.0,  # classifier-free guidance scale; 1 is none
                "guidance_interval": (0.0, 1.0),  # times between which it acts
                "guidance_rescale": 0.0,  # how far each example's spread is brought back to the conditional one's
                "clip": False,  # keep the predicted clean data within [-1, 1]
            },
            "eval": {
                "features": "digits",  # whose features the metrics compare
                "num": 1000,  # generated images a row
                "batch": 250,  # images a compiled call of the sampler
                "seed": 0,
                "rows": (("euler", 50),),  # (sampler, steps) of each row of the table
            },
            "expected": ConfigDict(),  # the numbers a user should see, with where they were measured
        }
    )


def make_network(config: ConfigDict) -> nn.Module:
    """The network `config.net.name`, an import path, built with the other fields of `config.net`.

    Raises:
      UserError: if there is no such network, or it has no such field.
    """
    module, _, name = config.net.name.rpartition(".")
    options = {field: value for field, value in config.net.items() if field != "name"}
    if "dtype" in options:
        options["dtype"] = jnp.dtype(options["dtype"])
    try:
        network = getattr(importlib.import_module(module), name)
        return network(**options, num_classes=config.data.num_classes if config.conditional else 0)
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise UserError(f"cannot build config.net from {config.net.to_dict()}: {error}") from None


def bind(net: nn.Module, params: Mapping[str, PyTree], cond: Mapping[str, Array] | None, **options: Any) -> Model:
    """The network as a plain callable `(x_t, t) -> prediction`, bound to its parameters and its condition."""
    return lambda x, t: cast(Array, net.apply({"params": params["model"]}, x, t, cond, **options))


def build(config: ConfigDict, loss: Loss, wrap: Callable[[Model], Model] = lambda net: net) -> Experiment:
    """An experiment of one player, `model`, trained on `loss(key, model, x)`.

    Args:
      config: as `default_config()`, with the fields of its family.
      loss: the objective.
      wrap: what makes the model of the bare network, such as EDM's preconditioning.

    Raises:
      UserError: if a name in the config is unknown.
    """
    net = make_network(config)
    process = pick("process", config.process, PROCESSES)()
    shape, num_classes = tuple(config.data.shape), config.data.num_classes

    def init(key: Key) -> tuple[dict[str, PyTree], PyTree]:
        cond = {"label": jnp.zeros(1, jnp.int32)} if config.conditional else None
        return {"model": net.init(key, jnp.zeros((1, *shape)), jnp.zeros(1), cond)["params"]}, {}

    def objective(
        key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array]
    ) -> tuple[LossOutput, PyTree]:
        key_x, key_flip, key_label, key_dropout, key_loss = jax.random.split(key, 5)
        x = dequantize(key_x, batch["x"]) if config.train.dequantize else to_float(batch["x"])
        x = random_flip(key_flip, x) if config.train.flip else x
        cond = None
        if config.conditional:
            cond = {"label": drop_labels(key_label, batch["label"], num_classes, config.label_dropout)}
        model = bind(net, params, cond, train=True, rngs={"dropout": key_dropout})
        return loss(key_loss, wrap(model), x), extra

    def draw(
        key: Key,
        params: Mapping[str, PyTree],
        num: int,
        *,
        label: Array | None = None,
        sampler: str | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        keep: int = 0,
    ) -> Array:
        """Generate `num` examples `[num, ...]` in [-1, 1]; with `keep`, their path `[keep, num, ...]` instead."""
        guidance = config.sample.guidance if guidance is None else guidance
        model = bind(net, params, None)
        if config.conditional:
            label = jnp.arange(num) % num_classes if label is None else label
            model = bind(net, params, {"label": label})
            if guidance != 1.0:
                null = bind(net, params, {"label": jnp.full_like(label, num_classes)})
                settings = config.sample
                model = classifier_free(
                    model, null, guidance, interval=settings.guidance_interval, rescale=settings.guidance_rescale
                )
        elif guidance != 1.0 or label is not None:
            raise UserError("guidance and labels need a class-conditional model: train with --config.conditional=True")
        denoiser = Denoiser(process, wrap(model), config.prediction)
        denoiser = static_threshold(denoiser) if config.sample.clip else denoiser
        algorithm = pick("sampler", sampler or config.sample.sampler, SAMPLERS)()
        make_grid = pick("sample.grid.name", config.sample.grid.name, GRIDS)
        grid = make_grid(process, steps or config.sample.steps, **config.sample.grid.options)
        key_x, key_steps = jax.random.split(key)
        drawn = sample(key_steps, denoiser, process.sample_prior(key_x, (num, *shape)), grid, algorithm, keep=keep)
        return jnp.clip(drawn[1] if isinstance(drawn, tuple) else drawn, -1.0, 1.0)

    def validate(key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array]) -> dict[str, Array]:
        model = bind(net, params, {"label": batch["label"]} if config.conditional else None)
        return {"loss": loss(key, wrap(model), to_float(batch["x"])).value}

    player = Player("model", objective, make_optimizer(config.train.optimizer, config.train.steps))
    return Experiment(init=init, players=(player,), sample=draw, validate=validate)


def make_time(config: ConfigDict, process: GaussianProcess) -> Callable[[Key, int], Array]:
    """The time sampler that `config.time` names, with its options bound."""
    return partial(pick("time.name", config.time.name, TIMES), process, **config.time.options)
