"""What models with latent variables and an observation model share: the form of the data, and sampling in one step.

The observation model decides the form of the data: bits, the middles of bytes, or real numbers.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from experiments.config import sections
from experiments.config.data import Data, check_one_step
from experiments.config.networks import Collections, Variables, across_devices, build_network, initialize
from genjax_models.core.dequantization import BIN
from genjax_models.core.errors import UserError
from genjax_models.core.likelihood import elbo
from genjax_models.core.types import Array, Condition, Key, Likelihood, PyTree
from genjax_models.data.spec import DataSpec
from genjax_models.families.vae import (
    ObservationModel,
    bernoulli,
    categorical,
    gaussian,
    gaussian_learned,
    gaussian_optimal,
    linear,
    logistic_mixture,
    slerp,
)
from genjax_models.modalities.image import binarize, binarize_once, dequantize, random_flip, to_float
from genjax_models.modalities.modality import clip
from genjax_models.training import Experiment, Inference, SampleRequest
from genjax_models.training.config import TRAINING
from genjax_models.training.names import pick
from genjax_models.training.settings import Section, Setting, at_least, defaults

SAMPLERS = {"prior": "the mean of p(x | z), z from the prior", "prior_pixels": "a draw of p(x | z), z from the prior"}
REACH = 10.0
"""A shared log-std is so many times its parameter. Adam moves a parameter by no more than the rates of a run together,
1.5 in our recipes on digits, and a standard deviation that starts at 1 has further to go than that."""
Draw = Callable[[Key, Inference, int, Condition | None], tuple[Array, Array]]
"""`(key, model, num, cond) -> (raw [num, ...], log_std / REACH)`, what a decoder makes of draws from the prior."""


FIELDS: Section = {
    **sections.DATA,
    **sections.CONDITION,
    "observation": {
        "name": Setting("bernoulli", "likelihood of the data given z"),
        "options": sections.options("of this likelihood"),
    },
    "binarization": Setting("dynamic", "of bits: dynamic, anew for each batch, or static, once for each image"),
    "train": TRAINING,
    "sample": sections.sampling("prior"),
    "eval": sections.evaluation(("prior", 1)),
    "likelihood": {
        "kind": Setting("elbo", "of the reported likelihood: elbo or importance"),
        "samples": Setting(10, "draws of z for it", at_least(1), smoke=10),
    },
    **sections.EXPECTED,
}
"""The fields of all autoencoders: bits, and images that are the means of p(x | z)."""

NETWORKS: Section = {
    "encoder": sections.network("Perceptron", "from an image to the posterior's parameters"),
    "decoder": sections.network("Perceptron", "from latent variables to the observation model's parameters"),
    "latent": Setting(10, "latent variables", at_least(1)),
}
"""The fields of a pair of networks around one vector of latent variables."""

BETA: Section = {
    "value": Setting(1.0, "weight of the divergence", at_least(0)),
    "warmup_steps": Setting(0, "steps over which the weight rises from 0", at_least(0)),
}


def unclipped(section: Section) -> ConfigDict:
    """The default config without clipping: terms are in nats, whose gradients are as large as the images."""
    config = defaults(section)
    config.train.optimizer.clip_norm = 0.0
    return config


class Observed(NamedTuple):
    """An observation model as a config describes it.

    Attributes:
      form: of the data, `bits`, `bytes` or `reals`.
      channels: of the decoder's raw output.
      preprocess: `(key, bytes [B, ...]) -> x`, in that form.
      train: the observation model while training, given the parameter of the shared log-std, see `REACH`.
      test: the observation model otherwise.
      log_volume: nats to add to a log-density so that it becomes the log-probability of bytes; 0 for a probability.
      to_image: a value of `x` -> [-1, 1].
    """

    form: str
    channels: int
    preprocess: Callable[[Key, Array], Array]
    train: Callable[[Array], ObservationModel]
    test: Callable[[Array], ObservationModel]
    log_volume: float
    to_image: Callable[[Array], Array]


def observed(config: ConfigDict, spec: DataSpec) -> Observed:
    """What `config.observation` says.

    Raises:
      UserError: if a name is unknown, its options do not suit it, the data are no images, or they are to be
        dequantised otherwise.
    """
    if spec.field.kind != "image":
        raise UserError(f"autoencoders model images, and data set {spec.name} is of {spec.field.kind}")
    if config.train.dequantize:
        raise UserError("config.observation decides the form of the data: leave config.train.dequantize at False")
    name, options, channels = config.observation.name, config.observation.options, spec.shape[-1]
    makers: dict[str, tuple[str, Callable[..., ObservationModel]]] = {
        "bernoulli": ("bits", lambda shared: bernoulli(**options)),
        "categorical": ("bytes", lambda shared: categorical(**options)),
        "logistic_mixture": ("bytes", lambda shared: logistic_mixture(channels=channels, **options)),
        "gaussian": ("reals", lambda shared: gaussian(**options)),
        "gaussian_learned": ("reals", lambda shared: gaussian_learned(**options)),
        "gaussian_shared": ("reals", lambda shared: gaussian(REACH * shared, **options)),
        "gaussian_optimal": ("reals", lambda shared: tracked(REACH * shared, **options)),
    }
    form, make = pick("observation.name", name, makers)
    try:
        count = make(jnp.zeros(())).num_params(channels)
    except TypeError as error:
        raise UserError(f"config.observation.options do not suit {name}: {error}") from None
    bits = {"dynamic": binarize, "static": lambda key, x: binarize_once(x)}
    forms: dict[str, Callable[[Key, Array], Array]] = {
        "bits": pick("binarization", config.binarization, bits),
        "bytes": lambda key, x: to_float(x),
        "reals": dequantize,
    }

    return Observed(
        form,
        count,
        forms[form],
        make,
        (lambda shared: gaussian(REACH * shared)) if name == "gaussian_optimal" else make,
        float(np.prod(spec.shape) * np.log(BIN)) if form == "reals" else 0.0,
        (lambda x: 2.0 * x - 1.0) if form == "bits" else clip,
    )


def tracked(log_std: Array, **options: float) -> ObservationModel:
    """The best standard deviation of each batch, while the shared one learns to be it and touches nothing else.

    Sampling and likelihoods need one that belongs to no batch.
    """
    best = gaussian_optimal(**options)

    def log_prob(raw: Array, x: Array) -> Array:
        shared = gaussian(log_std).log_prob(jax.lax.stop_gradient(raw), x)
        return best.log_prob(raw, x) + shared - jax.lax.stop_gradient(shared)

    return best._replace(log_prob=log_prob)


def warmed_up(value: float, warmup_steps: int, step: Array) -> Array | float:
    """A weight at a step, reached linearly from 0 in so many."""
    return linear(step, steps=warmup_steps, end=value) if warmup_steps else value


def training_data(config: ConfigDict, observation: Observed, key: Key, batch: Mapping[str, Array]) -> Array:
    """The batch's images in the form that is trained on, mirrored at random where `config.train.flip` says so."""
    key_flip, key_form = jax.random.split(key)
    x = random_flip(key_flip, batch["x"]) if config.train.flip else batch["x"]
    return observation.preprocess(key_form, x)


def likelihood(
    config: ConfigDict,
    observation: Observed,
    key: Key,
    bound: Callable[[Key], Array],
    importance: Callable[[Key, int], Likelihood],
) -> Likelihood:
    """The likelihood that `config.likelihood` asks for, of bits or bytes.

    Args:
      config: the config.
      observation: the observation model.
      key: one typed PRNG key, consumed.
      bound: one draw of a lower bound of `log p(x)`, `[B]`.
      importance: `log p(x)` by so many draws of z.
    """
    samples = config.likelihood.samples
    kinds = {"elbo": lambda: elbo(key, bound, samples=samples), "importance": lambda: importance(key, samples)}
    found = pick("likelihood.kind", config.likelihood.kind, kinds)()
    return replace(found, value=found.value + observation.log_volume)


def sampler(config: ConfigDict, data: Data, observation: Observed, draw: Draw) -> Callable[..., Array]:
    """`Experiment.sample` of a model that samples in one step.

    Args:
      config: the config; its `sample.sampler` is a key of `SAMPLERS`.
      data: of the config.
      observation: the observation model.
      draw: see `Draw`.
    """
    sections.check_samplers(config, SAMPLERS)

    def sample(key: Key, model: Inference, request: SampleRequest) -> Array:
        """The images `[num, ...]` in [-1, 1]."""
        check_one_step(request)
        cond = data.requested(request)
        key_z, key_x = jax.random.split(key)
        raw, log_std = draw(key_z, model, request.num, cond)
        test = observation.test(log_std)
        how: dict[str, Callable[[Array], Array]] = {"prior": test.mean, "prior_pixels": partial(test.sample, key_x)}
        return observation.to_image(pick("sampler", request.sampler or config.sample.sampler, how)(raw))

    return sample


def interpolate(
    experiment: Experiment,
    key: Key,
    model: Inference,
    first: PyTree,
    second: PyTree,
    num: int,
    *,
    along: Callable[[Array, Array, int], Array] = slerp,
    **options: Any,
) -> Array:
    """Images `[num, B, ...]` along paths between the latent variables of two batches, both ends included.

    Great circles, along which normal variables keep their length; `along=lerp` for others.
    """
    assert experiment.encode is not None and experiment.decode is not None
    decode = experiment.decode
    key_first, key_second, key_x = jax.random.split(key, 3)
    ends = experiment.encode(key_first, model, first), experiment.encode(key_second, model, second)
    path = jax.tree.map(lambda a, b: along(a, b, num), *ends)
    return jax.lax.map(lambda z: decode(key_x, model, z, **options), path)


class Pair(NamedTuple):
    """An encoder and a decoder around one vector of latent variables.

    Attributes:
      init: `key -> ({"encoder", "decoder", "log_std"}, collections)`; the last parameter is of a shared one, see
        `REACH`.
      encode: `(variables, cond) -> (x [B, ...] -> raw [B, features])`.
      decode: `(variables, cond) -> (z [B, latent] -> raw [B, ...])`.
    """

    init: Callable[[Key], tuple[dict[str, PyTree], dict[str, PyTree]]]
    encode: Callable[[Variables, Condition | None], Callable[[Array], Array]]
    decode: Callable[[Variables, Condition | None], Callable[[Array], Array]]


def pair_of(config: ConfigDict, data: Data, observation: Observed, features: int) -> Pair:
    """The networks of `config.encoder`, whose output has so many features, and `config.decoder`.

    Raises:
      UserError: if one of them cannot be built.
    """
    spec, fields = data.spec, data.network_fields()
    out_shape = (*spec.shape[:-1], observation.channels)
    nets = {
        "encoder": build_network("encoder", config.encoder, train=config.train, out_shape=(features,), **fields),
        "decoder": build_network("decoder", config.decoder, train=config.train, out_shape=out_shape, **fields),
    }

    def init(key: Key) -> tuple[dict[str, PyTree], dict[str, PyTree]]:
        key_encoder, key_decoder = jax.random.split(key)
        cond = data.example()
        start = {
            "encoder": initialize(nets["encoder"], key_encoder, jnp.zeros((1, *spec.shape)), None, cond),
            "decoder": initialize(nets["decoder"], key_decoder, jnp.zeros((1, config.latent)), None, cond),
        }
        params = {name: own.params for name, own in start.items()}
        return params | {"log_std": jnp.zeros(())}, {name: own.collections for name, own in start.items()}

    def bind(name: str) -> Callable[[Variables, Condition | None], Callable[[Array], Array]]:
        def bound(variables: Variables, cond: Condition | None) -> Callable[[Array], Array]:
            net = across_devices(nets[name], config.train) if variables.collections.train else nets[name]
            return lambda x: variables.collections.apply(name, net, variables.params[name], x, None, cond)

        return bound

    return Pair(init, bind("encoder"), bind("decoder"))


def decoder(
    data: Data,
    observation: Observed,
    pair: Pair,
    own: Callable[[Mapping[str, PyTree]], PyTree] = lambda params: params["model"],
) -> Callable[..., Array]:
    """`Experiment.decode` of a pair, whose parameters `own` finds: the mean of the data given z `[B, latent]`."""

    def decode(key: Key, model: Inference, z: Array, cond: Condition | None = None) -> Array:
        data.require(cond)
        found = Variables(own(model.params), Collections(model.extra["collections"]))
        return observation.to_image(observation.test(found.params["log_std"]).mean(pair.decode(found, cond)(z)))

    return decode
