"""Normalizing flows: the default config, and the experiment it describes, on images, tables and toy densities."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from experiments.config import sections
from experiments.config.data import Data, check_one_step, data_of, dataset_of
from experiments.config.layer_networks import join, split
from experiments.config.networks import Collections
from experiments.flows import architectures, dequantizers
from genjax_models.core import densities
from genjax_models.core.densities import Density
from genjax_models.core.dequantization import Dequantizer, dequantized_log_prob, uniform_offset
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Condition, Key, Likelihood, LossOutput, PyTree
from genjax_models.data.toy import DENSITIES
from genjax_models.families import flows
from genjax_models.families.flows import Bijection
from genjax_models.modalities import Modality
from genjax_models.modalities.image import dequantize, random_flip
from genjax_models.solvers import mala
from genjax_models.training import (
    Experiment,
    Inference,
    Player,
    SampleRequest,
    TrainState,
    make_optimizer,
)
from genjax_models.training.config import TRAINING
from genjax_models.training.names import pick
from genjax_models.training.settings import POSITIVE, Range, Section, Setting, at_least, defaults
from genjax_models.training.state import with_params

BASES = {
    "normal": densities.standard_normal,
    "logistic": densities.standard_logistic,
    "uniform_angle": densities.uniform_angle,
}
SAMPLERS = {"prior": "one pass of the inverse"}
START = 256
"""Training examples that the layers see before the first step: activation normalisation starts from them."""


MARGIN: Range = ("0 to below 0.5", lambda margin: 0 <= margin < 0.5)

TASKS: tuple[str, ...] = ("sample", "log_prob", "encode", "decode", "impute")
"""What it can do, see `experiments.run.tasks`; impute without config.noise."""

FIELDS: Section = {
    **sections.experiment("experiments.flows"),
    **sections.DATA,
    "flow": {
        "name": Setting("real_nvp", "the layers by their name"),
        "options": sections.options("of these layers"),
        "margin": Setting(0.05, "of the logit that images pass first; 0: none", MARGIN),
    },
    "net": sections.network("ResNetConditioner", "inside each layer"),
    **sections.CONDITION,
    "base": Setting("normal", "distribution of the latent variables: normal, logistic or uniform_angle"),
    "dequantization": {
        "name": Setting("uniform", "offsets of bytes within their intervals: uniform, or variational by a flow"),
        "depth": Setting(4, "couplings of that flow, with networks of `net`", at_least(1)),
        "components": Setting(8, "of its mixtures", at_least(1)),
    },
    "noise": Setting(0.0, "standard deviation of noise added to the data in training; draws are denoised", at_least(0)),
    "objective": Setting("likelihood", "or reverse_kl, from a toy density's formula alone"),
    "train": TRAINING,
    "sample": sections.sampling("prior", temperature=Setting(1.0, "scales the base's draws", POSITIVE)),
    "impute": {
        "steps": Setting(1000, "of the Markov chain that draws what is missing", at_least(1)),
        "step_size": Setting(0.02, "of the chain", POSITIVE),
    },
    "eval": sections.evaluation(("prior", 1), likelihood=10_000),
    **sections.EXPECTED,
}


def get_config() -> ConfigDict:
    """RealNVP on the digits: uniform dequantisation, maximum likelihood."""
    return defaults(FIELDS)


def vector_config() -> ConfigDict:
    """The same for tables and toy densities, which have neither classes nor bytes."""
    config = get_config()
    config.data.name = "moons"
    config.net = ConfigDict({"name": "genjax_models.nets.MLP", "width": 64, "depth": 2})
    config.eval.features = ""
    return config


def log_likelihood(
    key: Key, log_prob: Callable[[Array], Array], x: Array, *, noise: float, dequantizer: Dequantizer = uniform_offset
) -> Array:
    """Of bytes the bound, of real numbers the density, `[B]` nats; with `noise`, of data that have some more."""
    key_x, key_noise = jax.random.split(key)
    noisy = lambda key, x: log_prob(x + noise * jax.random.normal(key, x.shape, x.dtype) if noise else x)
    if x.dtype != jnp.uint8:
        return noisy(key_noise, x)
    return dequantized_log_prob(key_x, noisy, x, dequantizer=dequantizer)


class Flow(NamedTuple):
    """A flow, its base, and the offsets of bytes within their intervals.

    Attributes:
      make: from a key, or `None`, to the layers.
      base: the density of the latent variables.
      offsets: those that are trained with it; `None` for uniform ones.
      noise: standard deviation of what is added to the data.
    """

    make: architectures.Make
    base: Density
    offsets: dequantizers.Offsets | None
    noise: float

    def init(self, key: Key, x: Array, cond: Condition | None) -> PyTree:
        """The variables, from example data."""
        init = lambda key: self.make(None).init(key, x, cond)
        if self.offsets is None:
            return init(key)
        key_flow, key_offsets = jax.random.split(key)
        return {"flow": init(key_flow), "offsets": self.offsets.init(key_offsets)}

    def layers_of(self, variables: PyTree) -> PyTree:
        """The variables of the layers."""
        return variables if self.offsets is None else variables["flow"]

    def density(self, variables: PyTree, cond: Condition | None, layers: Bijection) -> Callable[[Array], Array]:
        """The log-density of real numbers under those layers, `[B, ...] -> [B]` nats."""
        return lambda x: flows.log_prob(layers, self.base, self.layers_of(variables), x, cond)

    def log_prob(self, key: Key, variables: PyTree, x: Array, cond: Condition | None, layers: Bijection) -> Array:
        """`log_likelihood` under those layers."""
        dequantizer = uniform_offset if self.offsets is None else self.offsets.of(variables["offsets"])
        density = self.density(variables, cond, layers)
        return log_likelihood(key, density, x, noise=self.noise, dequantizer=dequantizer)


def from_data(
    config: ConfigDict, data: Data, start: Callable[[Key, Array, Condition | None], PyTree]
) -> Callable[[TrainState, Path], TrainState]:
    """A warm start from training examples: `start` makes the variables of a key, data and their condition."""

    def warm_start(state: TrainState, workdir: Path) -> TrainState:
        dataset = dataset_of(config, "train")
        rows = np.random.default_rng(config.train.seed).choice(dataset.size, min(START, dataset.size), replace=False)
        key = jax.random.fold_in(jax.random.key(config.train.seed), START)  # the run splits that key itself
        key_x, key_noise, key_params = jax.random.split(key, 3)
        batch = jax.tree.map(jnp.asarray, dataset.take(rows))
        x = dequantize(key_x, batch["x"]) if batch["x"].dtype == jnp.uint8 else batch["x"]
        x = x + config.noise * jax.random.normal(key_noise, x.shape)
        params, collections = split(jax.device_get(jax.jit(start)(key_params, x, data.condition(batch))))
        return replace(with_params(state, {"model": params}), extra={"collections": collections})

    return warm_start


def check(config: ConfigDict, modality: Modality) -> None:
    """Refuse parts of a config that do not go together.

    Raises:
      UserError: if there are any.
    """
    sections.check_samplers(config, SAMPLERS)
    if modality.dequantize and config.noise and config.flow.margin:
        raise UserError("noise leaves the domain of the logit: set config.flow.margin=0 with config.noise")
    if config.train.dequantize or (config.train.flip and not modality.mirror):
        raise UserError("bytes are always dequantised, and only images are mirrored: leave both fields of train False")
    if (config.flow.name == "torus") != (config.base == "uniform_angle"):
        raise UserError("the flow of the torus ends at uniform angles: name config.base='uniform_angle' with it alone")
    reverse = pick("objective", config.objective, {"likelihood": False, "reverse_kl": True})
    if reverse and (config.data.name not in DENSITIES or config.condition):
        raise UserError(f"reverse_kl needs a toy density, without classes: choose among {', '.join(DENSITIES)}")


def scored(nats: Array, *, dims: int, images: bool) -> LossOutput:
    """Nats `[B]` as an objective: nats a dimension are minimised, so that learning rates suit any size."""
    terms = {"bits_per_dim": nats / (dims * math.log(2.0))} if images else {"nats": nats}
    return LossOutput(nats / dims, terms)


def build(config: ConfigDict) -> Experiment:
    """Bind the config's layers and networks to the density of the data.

    Raises:
      UserError: if a name is unknown, options do not suit, or the objective needs a density that has no formula.
    """
    data = data_of(config)
    spec, modality, shape = data.spec, data.modality, data.spec.shape
    images, dims, noise = modality.dequantize is not None, math.prod(shape), config.noise
    make, latent, kind, measured = architectures.build(config, data)
    flow = Flow(make, pick("base", config.base, BASES)(latent), dequantizers.build(config, spec), noise)
    check(config, modality)
    reverse, target = config.objective == "reverse_kl", DENSITIES.get(spec.name)

    def trained(model: Inference) -> PyTree:
        return join(model.params["model"], Collections(model.extra["collections"]))

    def init(key: Key) -> tuple[dict[str, PyTree], PyTree]:
        x = jax.random.uniform(jax.random.fold_in(key, 0), (START, *shape), minval=-1.0)
        params, collections = split(flow.init(jax.random.fold_in(key, 1), x, data.example(START)))
        return {"model": params}, {"collections": collections}

    def reported(key: Key, model: Inference, batch: Mapping[str, Array]) -> Array:
        key_flow, key_x = jax.random.split(key)
        layers = measured(key_flow) if measured else make(None)
        return flow.log_prob(key_x, trained(model), batch["x"], data.condition(batch), layers)

    def objective(
        key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array], step: Array
    ) -> tuple[LossOutput, PyTree]:
        key_flow, key_flip, key_x = jax.random.split(key, 3)
        layers, collections = make(key_flow), Collections(extra["collections"], train=True)
        variables = join(params["model"], collections)
        if reverse:
            assert target is not None
            num = batch["x"].shape[0]
            output = flows.reverse_kl(key_x, layers, flow.base, flow.layers_of(variables), target.log_prob, num)
            output = LossOutput(output.value / dims, {"reverse_kl": output.value} | dict(output.aux))
        else:
            x = random_flip(key_flip, batch["x"]) if config.train.flip else batch["x"]
            nats = -flow.log_prob(key_x, variables, x, data.condition(batch), layers)
            output = scored(nats, dims=dims, images=images)
        return output, {"collections": collections.latest}

    def validate(key: Key, model: Inference, batch: Mapping[str, Array]) -> dict[str, Array]:
        return dict(scored(-reported(key, model, batch), dims=dims, images=images).aux)

    def measure(key: Key, model: Inference, batch: Mapping[str, Array]) -> Likelihood:
        return Likelihood(reported(key, model, batch), "elbo" if kind == "exact" and (images or noise) else kind)

    def decode(key: Key, model: Inference, z: Array, cond: Condition | None = None) -> Array:
        data.require(cond)
        variables = trained(model)
        x, _ = make(None).inverse_and_log_det(flow.layers_of(variables), z, cond)
        x = flows.denoise(flow.density(variables, cond, make(None)), x, std=noise) if noise else x
        return modality.clip(x)

    def encode(key: Key, model: Inference, batch: Mapping[str, Array]) -> Array:
        x, cond = modality.to_model(batch["x"]), data.condition(batch)
        return make(None).forward_and_log_det(flow.layers_of(trained(model)), x, cond)[0]

    def draw(key: Key, model: Inference, request: SampleRequest) -> Array:
        """The samples `[num, ...]`, images in [-1, 1], in one pass."""
        pick("sampler", request.sampler or config.sample.sampler, SAMPLERS)
        check_one_step(request)
        cond = data.requested(request)
        return decode(key, model, config.sample.temperature * flow.base.sample(key, request.num), cond)

    def impute(key: Key, model: Inference, batch: Mapping[str, Array], observed: Array) -> Array:
        """Langevin chains on the density itself, from what the flow draws."""
        key_x, key_chain = jax.random.split(key)
        seen, cond = modality.to_model(batch["x"]), data.condition(batch)
        drawn = draw(key_x, model, SampleRequest(seen.shape[0], cond))
        density = flow.density(trained(model), cond, make(None))
        return mala(key_chain, density, jnp.where(observed, seen, drawn), **config.impute, moving=~observed).x

    return Experiment(
        spec=spec,
        init=init,
        players=(Player("model", objective, make_optimizer(config.train.optimizer, config.train.steps)),),
        conditions=data.conditions,
        sample=draw,
        log_prob=measure,
        encode=encode,
        decode=decode,
        impute=None if noise else impute,
        validate=validate,
        warm_start=from_data(config, data, flow.init),
    )
