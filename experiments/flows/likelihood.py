"""Normalizing flows: the default config, and the experiment it describes, on images, tables and toy densities."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from experiments.flows import architectures, dequantizers
from experiments.run.one_shot import labels_of_draws, require_label
from genjax_models.core import densities
from genjax_models.core.densities import Density
from genjax_models.core.dequantization import Dequantizer, dequantized_log_prob, uniform_offset
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key, Likelihood, LossOutput, PyTree
from genjax_models.data import load
from genjax_models.data.toy import DENSITIES
from genjax_models.families import flows
from genjax_models.families.flows import Bijection
from genjax_models.modalities.image import dequantize, random_flip, to_float
from genjax_models.solvers import mala
from genjax_models.training import Experiment, Player, TrainState, make_optimizer, training_config
from genjax_models.training.names import pick
from genjax_models.training.state import with_params

BASES = {
    "normal": densities.standard_normal,
    "logistic": densities.standard_logistic,
    "uniform_angle": densities.uniform_angle,
}
SAMPLERS = {"prior": "one pass of the inverse"}
START = 256
"""Training examples that the layers see before the first step: activation normalisation starts from them."""


def get_config() -> ConfigDict:
    """RealNVP on the digits: uniform dequantisation, maximum likelihood."""
    config = ConfigDict(
        {
            "experiment": "experiments.flows",
            "data": {"name": "digits", "shape": (8, 8, 1), "num_classes": 10},
            "flow": {"name": "real_nvp", "options": ConfigDict(), "margin": 0.05},  # of the logit that images pass
            "net": {"name": "genjax_models.nets.ResNetConditioner"},  # inside each layer
            "conditional": False,  # on the class label
            "base": "normal",
            # of bytes; or `variational`, by so many couplings, of so many components each, with networks of `net`
            "dequantization": {"name": "uniform", "depth": 4, "components": 8},
            "noise": 0.0,  # standard deviation of what is added to data in training; draws are then denoised
            "objective": "likelihood",  # or "reverse_kl", from a toy density's formula alone
            "train": training_config(),
            "sample": {"sampler": "prior", "steps": 1, "temperature": 1.0},  # scales the base's draws
            "impute": {"steps": 1000, "step_size": 0.02},  # of the chain that draws what is missing
            "eval": {
                "features": "digits",  # whose features the metrics compare; empty: only the likelihood is measured
                "num": 1000,
                "batch": 250,
                "seed": 0,
                "rows": (("prior", 1),),
                "likelihood": 10_000,  # test examples, the first ones
            },
            "expected": ConfigDict(),
        }
    )
    return config


def vector_config() -> ConfigDict:
    """The same for tables and toy densities, which have neither classes nor bytes."""
    config = get_config()
    config.data = ConfigDict({"name": "moons", "shape": (2,), "num_classes": 0})
    config.net = ConfigDict({"name": "genjax_models.nets.MLP", "width": 64, "depth": 2})
    config.eval.features = ""
    return config


class Flow(NamedTuple):
    """A flow, its base, and whether it looks at classes.

    Attributes:
      make: from a key, or `None`, to the layers.
      base: the density of the latent variables.
      conditional: on the class label.
    """

    make: architectures.Make
    base: Density
    conditional: bool

    def cond(self, label: Array | None) -> PyTree:
        """What the layers' networks see of labels `[B]`."""
        return {"label": label} if self.conditional else None

    def density(self, params: PyTree, label: Array | None, layers: Bijection) -> Callable[[Array], Array]:
        """The log-density of real numbers under those layers, `[B, ...] -> [B]` nats."""
        return lambda x: flows.log_prob(layers, self.base, params, x, self.cond(label))


def log_likelihood(
    key: Key, log_prob: Callable[[Array], Array], x: Array, *, noise: float, dequantizer: Dequantizer = uniform_offset
) -> Array:
    """Of bytes the bound, of real numbers the density, `[B]` nats; with `noise`, of data that have some more."""
    key_x, key_noise = jax.random.split(key)
    noisy = lambda key, x: log_prob(x + noise * jax.random.normal(key, x.shape, x.dtype) if noise else x)
    if x.dtype != jnp.uint8:
        return noisy(key_noise, x)
    return dequantized_log_prob(key_x, noisy, x, dequantizer=dequantizer)


def from_data(
    config: ConfigDict, start: Callable[[Key, Array, Array], dict[str, PyTree]]
) -> Callable[[TrainState, Path], TrainState]:
    """A warm start from training examples: `start` makes parameters of a key, data and labels."""

    def warm_start(state: TrainState, workdir: Path) -> TrainState:
        dataset = load(config.data.name, "train")
        rows = np.random.default_rng(config.train.seed).choice(dataset.size, min(START, dataset.size), replace=False)
        key = jax.random.fold_in(jax.random.key(config.train.seed), START)  # the run splits that key itself
        key_x, key_noise, key_params = jax.random.split(key, 3)
        batch = jax.tree.map(jnp.asarray, dataset.take(rows))
        x = dequantize(key_x, batch["x"]) if batch["x"].dtype == jnp.uint8 else batch["x"]
        x = x + config.noise * jax.random.normal(key_noise, x.shape)
        return with_params(state, jax.device_get(jax.jit(start)(key_params, x, batch["label"])))

    return warm_start


def check(config: ConfigDict) -> None:
    """Refuse parts of a config that do not go together.

    Raises:
      UserError: if there are any.
    """
    images = len(config.data.shape) == 3
    for row in ((config.sample.sampler, 1), *config.eval.rows):
        pick("sampler", row[0], SAMPLERS)
    if images and config.noise and config.flow.margin:
        raise UserError("noise leads out of what the logit takes: set config.flow.margin=0 with config.noise")
    if config.train.dequantize or (config.train.flip and not images):
        raise UserError("bytes are always dequantised, and only images are mirrored: leave both fields of train False")
    if (config.flow.name == "torus") != (config.base == "uniform_angle"):
        raise UserError("the flow of the torus ends at uniform angles: name config.base='uniform_angle' with it alone")
    reverse = pick("objective", config.objective, {"likelihood": False, "reverse_kl": True})
    if reverse and (config.data.name not in DENSITIES or config.conditional):
        raise UserError(f"reverse_kl needs a toy density, without classes: choose among {', '.join(DENSITIES)}")


def build(config: ConfigDict) -> Experiment:
    """Bind the config's layers and networks to the density of the data.

    Raises:
      UserError: if a name is unknown, options do not suit, or the objective needs a density that has no formula.
    """
    shape = tuple(config.data.shape)
    images, dims, noise = len(shape) == 3, math.prod(shape), config.noise
    make, latent, kind, measured = architectures.build(config)
    flow = Flow(make, pick("base", config.base, BASES)(latent), config.conditional)
    offsets = dequantizers.build(config)
    check(config)
    reverse, target = config.objective == "reverse_kl", DENSITIES.get(config.data.name)

    def start(key: Key, x: Array, label: Array) -> dict[str, PyTree]:
        init = lambda key: make(None).init(key, x, flow.cond(label))
        if offsets is None:
            return {"model": init(key)}
        key_flow, key_offsets = jax.random.split(key)
        return {"model": {"flow": init(key_flow), "offsets": offsets.init(key_offsets)}}

    def layers_of(params: Mapping[str, PyTree]) -> PyTree:
        return params["model"] if offsets is None else params["model"]["flow"]

    def dequantizer_of(params: Mapping[str, PyTree]) -> Dequantizer:
        return uniform_offset if offsets is None else offsets.of(params["model"]["offsets"])

    def init(key: Key) -> tuple[dict[str, PyTree], PyTree]:
        x = jax.random.uniform(jax.random.fold_in(key, 0), (START, *shape), minval=-1.0)
        return start(jax.random.fold_in(key, 1), x, jnp.zeros(START, jnp.int32)), {}

    def scored(nats: Array) -> LossOutput:
        """Nats a dimension are what is minimised, so that learning rates suit any size."""
        terms = {"bits_per_dim": nats / (dims * math.log(2.0))} if images else {"nats": nats}
        return LossOutput(nats / dims, terms)

    def log_prob(key: Key, params: Mapping[str, PyTree], batch: Mapping[str, Array], layers: Bijection) -> Array:
        density = flow.density(layers_of(params), batch["label"], layers)
        return log_likelihood(key, density, batch["x"], noise=noise, dequantizer=dequantizer_of(params))

    def reported(key: Key, params: Mapping[str, PyTree], batch: Mapping[str, Array]) -> Array:
        key_flow, key_x = jax.random.split(key)
        return log_prob(key_x, params, batch, measured(key_flow) if measured else make(None))

    def objective(
        key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array], step: Array
    ) -> tuple[LossOutput, PyTree]:
        key_flow, key_flip, key_x = jax.random.split(key, 3)
        if reverse:
            assert target is not None
            layers, num = make(key_flow), batch["x"].shape[0]
            output = flows.reverse_kl(key_x, layers, flow.base, layers_of(params), target.log_prob, num)
            return LossOutput(output.value / dims, {"reverse_kl": output.value} | dict(output.aux)), extra
        x = random_flip(key_flip, batch["x"]) if config.train.flip else batch["x"]
        return scored(-log_prob(key_x, params, {"x": x, "label": batch["label"]}, make(key_flow))), extra

    def validate(key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array]) -> dict[str, Array]:
        return dict(scored(-reported(key, params, batch)).aux)

    def measure(key: Key, params: Mapping[str, PyTree], batch: Mapping[str, Array]) -> Likelihood:
        return Likelihood(reported(key, params, batch), "elbo" if kind == "exact" and (images or noise) else kind)

    def decode(key: Key, params: Mapping[str, PyTree], z: Array, *, label: Array | None = None) -> Array:
        require_label(config, label)
        x, _ = make(None).inverse_and_log_det(layers_of(params), z, flow.cond(label))
        x = flows.denoise(flow.density(layers_of(params), label, make(None)), x, std=noise) if noise else x
        return jnp.clip(x, -1.0, 1.0) if images else x

    def encode(key: Key, params: Mapping[str, PyTree], batch: Mapping[str, Array]) -> Array:
        x = to_float(batch["x"])
        return make(None).forward_and_log_det(layers_of(params), x, flow.cond(batch["label"]))[0]

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
        """Generate `num` examples `[num, ...]`, images in [-1, 1], in one pass."""
        pick("sampler", sampler or config.sample.sampler, SAMPLERS)
        label = labels_of_draws(config, num, label, steps=steps, guidance=guidance, keep=keep)
        return decode(key, params, config.sample.temperature * flow.base.sample(key, num), label=label)

    def impute(key: Key, params: Mapping[str, PyTree], batch: Mapping[str, Array], observed: Array) -> Array:
        """Langevin chains on the density itself, from what the flow draws."""
        key_x, key_chain = jax.random.split(key)
        seen = to_float(batch["x"])
        drawn = draw(key_x, params, seen.shape[0], label=batch["label"] if flow.conditional else None)
        density, first = flow.density(layers_of(params), batch["label"], make(None)), jnp.where(observed, seen, drawn)
        return mala(key_chain, density, first, **config.impute, moving=~observed).x

    return Experiment(
        init=init,
        players=(Player("model", objective, make_optimizer(config.train.optimizer, config.train.steps)),),
        sample=draw,
        log_prob=measure,
        encode=encode,
        decode=decode,
        impute=None if noise else impute,
        validate=validate,
        warm_start=from_data(config, start),
    )
