"""Consistency training: models that jump to the data in one step, learned without a teacher.

Improved consistency training is the default. The first paper's distance, weights, averaged target and curriculum are
other values of the same fields.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from experiments import gaussian_path
from experiments.config import sections
from experiments.gaussian_path import Bound, Network, registry
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key, LossOutput, Model, PyTree
from genjax_models.families.consistency import (
    consistency_function,
    consistency_training_loss,
    doubling_steps,
    equal_weight,
    following_decay,
    inverse_gap,
    l2,
    lognormal_position,
    multistep,
    pseudo_huber,
    square_root_steps,
)
from genjax_models.families.diffusion import c_noise
from genjax_models.processes import Denoiser, GaussianProcess
from genjax_models.processes.times import uniform_time
from genjax_models.training import Experiment
from genjax_models.training.names import pick
from genjax_models.training.settings import (
    BELOW_ONE,
    POSITIVE,
    Range,
    Section,
    Setting,
    at_least,
    defaults,
    without,
)

INSIDE: Range = ("between 0 and 1", lambda t: 0 < t < 1)
METRICS = {"l2": l2, "pseudo_huber": pseudo_huber}
CURRICULA = {"doubling": doubling_steps, "square_root": square_root_steps}
DECAYS: dict[str, Callable[..., float | Array]] = {
    "doubling": lambda num_steps, *, first, decay: decay,
    "square_root": following_decay,
}
"""What the target keeps of its former self under each curriculum."""
GAPS = {"equal": equal_weight, "inverse": inverse_gap}
POSITIONS: dict[str, Callable[[GaussianProcess, float], Callable[[Key, int], Array]]] = {
    "uniform": lambda process, t_min: uniform_time,
    "lognormal": lambda process, t_min: lognormal_position(process, t_min=t_min),
}


TASKS: tuple[str, ...] = ("sample",)
"""What it can do, see `experiments.run.tasks`."""

FIELDS: Section = {
    **sections.experiment("experiments.consistency"),
    **without(gaussian_path.FIELDS, "prediction", "time", "likelihood"),
    "sigma_data": Setting(0.5, "root mean square of the data", POSITIVE),
    "t_min": Setting(0.22, "where the function ends; EDM's least noise, 0.002, by default", INSIDE),
    "intervals": {
        "first": Setting(10, "between neighbouring times, at the start of training", at_least(1)),
        "last": Setting(1280, "at its end", at_least(1)),
    },
    "curriculum": Setting("doubling", "from the first number to the last: doubling or square_root"),
    "metric": Setting("pseudo_huber", "distance of two outputs: l2 or pseudo_huber"),
    "gap": Setting("inverse", "how neighbouring times are weighted: equal or inverse"),
    "position": Setting("lognormal", "which of them are drawn: uniform or lognormal"),
    "target_decay": Setting(0.0, "of the averaged target under `doubling`; 0: the model itself", BELOW_ONE),
}


def get_config() -> ConfigDict:
    """Pseudo-Huber distance, log-normal noise levels, the model as its own target, intervals that double."""
    config = defaults(FIELDS)
    config.process = "edm"
    config.sample.grid.options.end = config.get_ref("t_min")  # the function has no meaning below
    config.sample.update({"sampler": "multistep", "steps": 1})
    config.eval.rows = (("multistep", 1), ("multistep", 2), ("multistep", 4))
    return config


def build(config: ConfigDict) -> Experiment:
    """Bind the config's network to the consistency training loss."""
    process = make_process(config)

    def loss(key: Key, bound: Bound, x: Array) -> LossOutput:
        return consistency_training_loss(key, x=x, process=process, **terms(config, process, bound))

    return build_student(config, process, loss)


def make_process(config: ConfigDict) -> GaussianProcess:
    """`registry.make_process`, after a look at the fields that all consistency losses read.

    Raises:
      UserError: if one of them is unknown or out of range, or the process is.
    """
    for field, known in (("curriculum", CURRICULA), ("metric", METRICS), ("gap", GAPS), ("position", POSITIONS)):
        if field in config:
            pick(field, config[field], known)
    try:
        intervals(config, jnp.zeros((), jnp.int32))
    except (TypeError, ValueError) as error:
        raise UserError(f"config.intervals do not suit {config.curriculum}: {error}") from None
    return registry.make_process(config, samplers_of(config))


def samplers_of(config: ConfigDict) -> registry.Samplers:
    """The one sampler of consistency models, which jumps to `config.t_min`."""
    return {"multistep": partial(multistep, config.t_min)}


def target_of(config: ConfigDict, bound: Bound) -> PyTree:
    """The parameters whose answers are learned: those of the average, or the model's own."""
    return bound.extra["target"] if config.target_decay else bound.params


def consistent(config: ConfigDict, process: GaussianProcess, net: Model) -> Model:
    """The network as a consistency function; like EDM's, it reads the noise level in place of the time."""
    network = lambda x, t: net(x, c_noise(process, t))
    return consistency_function(network, process, t_min=config.t_min, sigma_data=config.sigma_data)


def intervals(config: ConfigDict, step: Array) -> Array:
    """How many there are at this step."""
    return pick("curriculum", config.curriculum, CURRICULA)(step, config.train.steps, **config.intervals)


def decay_of(config: ConfigDict, step: Array) -> float | Array:
    """What the target keeps of its former self at this step."""
    decay = pick("curriculum", config.curriculum, DECAYS)
    return decay(intervals(config, step), first=config.intervals.first, decay=float(config.target_decay))


def terms(config: ConfigDict, process: GaussianProcess, bound: Bound) -> dict[str, Any]:
    """What the losses of training and distillation have in common, by name."""
    return {
        "model": consistent(config, process, bound.net(bound.params)),
        "target": consistent(config, process, bound.net(target_of(config, bound))),
        "weighting": pick("gap", config.gap, GAPS),
        **distances(config, process, bound),
    }


def distances(config: ConfigDict, process: GaussianProcess, bound: Bound) -> dict[str, Any]:
    """Which times are compared, and how."""
    return {
        "t_min": config.t_min,
        "num_steps": intervals(config, bound.step),
        "position": pick("position", config.position, POSITIONS)(process, config.t_min),
        "metric": pick("metric", config.metric, METRICS),
    }


def build_student(
    config: ConfigDict,
    process: GaussianProcess,
    loss: gaussian_path.Loss,
    extra: Callable[[], PyTree] = dict,
    numbers: tuple[str, ...] = (),
) -> Experiment:
    """An experiment on a consistency loss; `extra` is further state; for `numbers` see `gaussian_path.build`."""

    def denoiser(params: PyTree, net: Network) -> Denoiser:
        return Denoiser(process, consistent(config, process, net(params)), "x0")

    def initial(params: PyTree, collections: PyTree) -> PyTree:
        return extra() | ({"target": params} if config.target_decay else {})

    def update(bound: Bound) -> PyTree:
        if not config.target_decay:
            return bound.extra
        decay = decay_of(config, bound.step) ** (1.0 / config.train.accumulate)  # every microbatch comes by
        move = lambda old, new: decay * old + (1.0 - decay) * new  # of parameters before their update
        return bound.extra | {"target": jax.tree.map(move, bound.extra["target"], bound.params)}

    return gaussian_path.build(
        config, process, loss, denoiser, samplers=samplers_of(config), numbers=numbers, extra=initial, update=update
    )
