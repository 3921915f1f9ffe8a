"""What models with latent variables and an observation model share: one config's data, its law, one-shot sampling.

The observation model decides the form in which images are read: bits, the middles of bytes, or real numbers.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from ml_collections import ConfigDict

from experiments.config.networks import build_network
from experiments.run.one_shot import labelled, labels_of_draws, require_label
from genjax_models.core.dequantization import BIN
from genjax_models.core.errors import UserError
from genjax_models.core.likelihood import elbo
from genjax_models.core.types import Array, Key, Likelihood, PyTree
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
from genjax_models.training import Experiment, training_config
from genjax_models.training.names import pick

SAMPLERS = {"prior": "the mean of p(x | z), z from the prior", "prior_pixels": "a draw of p(x | z), z from the prior"}
REACH = 10.0
"""A shared log-std is so many times its parameter. Adam moves a parameter by no more than the rates of a run together,
1.5 in our recipes on digits, and a standard deviation that starts at 1 has further to go than that."""
Draw = Callable[[Key, Mapping[str, PyTree], int, Array | None], tuple[Array, Array]]
"""`(key, params, num, label) -> (raw [num, ...], log_std / REACH)`, what a decoder makes of draws from the prior."""


def default_config() -> ConfigDict:
    """The fields that all of them have: bits, and images that are the means of p(x | z)."""
    config = ConfigDict(
        {
            "data": {"name": "digits", "shape": (8, 8, 1), "num_classes": 10},
            "conditional": False,  # on the class label, in encoder and decoder
            "observation": {"name": "bernoulli", "options": ConfigDict()},  # the law of the data given z
            "binarization": "dynamic",  # of what is read as bits: anew for each batch, or `static`, once for each image
            "train": training_config(),
            "sample": {"sampler": "prior", "steps": 1},
            "eval": {
                "features": "digits",
                "num": 1000,
                "batch": 250,
                "seed": 0,
                "rows": (("prior", 1),),
                "likelihood": 0,
            },
            "likelihood": {"kind": "elbo", "samples": 10},  # or `importance`, of so many draws of z
            "expected": ConfigDict(),
        }
    )
    config.train.optimizer.clip_norm = 0.0  # terms are in nats, whose gradients are as large as the images
    return config


class Observed(NamedTuple):
    """An observation model as a config describes it.

    Attributes:
      form: how it reads images: `bits`, `bytes` or `reals`.
      channels: of the decoder's raw output.
      read: `(key, bytes [B, ...]) -> x`, in the form that the law takes.
      train: the law while training, given the parameter of the shared log-std, see `REACH`.
      test: the law otherwise.
      log_volume: nats to add to a log-density so that it becomes the log-probability of bytes; 0 for a probability.
      to_image: a value of `x` -> [-1, 1].
    """

    form: str
    channels: int
    read: Callable[[Key, Array], Array]
    train: Callable[[Array], ObservationModel]
    test: Callable[[Array], ObservationModel]
    log_volume: float
    to_image: Callable[[Array], Array]


def observed(config: ConfigDict) -> Observed:
    """What `config.observation` says.

    Raises:
      UserError: if a name is unknown, its options do not suit it, or something else is to read the bytes.
    """
    if len(config.data.shape) != 3:
        raise UserError(f"autoencoders read images (H, W, C), not data of shape {tuple(config.data.shape)}")
    if config.train.dequantize:
        raise UserError("config.observation decides how bytes are read: leave config.train.dequantize at False")
    name, options, channels = config.observation.name, config.observation.options, config.data.shape[-1]
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
        float(np.prod(config.data.shape) * np.log(BIN)) if form == "reals" else 0.0,
        (lambda x: 2.0 * x - 1.0) if form == "bits" else (lambda x: jnp.clip(x, -1.0, 1.0)),
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


def images_of(config: ConfigDict, key: Key, batch: Mapping[str, Array]) -> Array:
    """The batch's images in the form that is trained on, mirrored at random where `config.train.flip` says so."""
    key_flip, key_read = jax.random.split(key)
    x = random_flip(key_flip, batch["x"]) if config.train.flip else batch["x"]
    return observed(config).read(key_read, x)


def likelihood(
    config: ConfigDict, key: Key, bound: Callable[[Key], Array], importance: Callable[[Key, int], Likelihood]
) -> Likelihood:
    """The likelihood that `config.likelihood` asks for, of bits or bytes.

    Args:
      config: the config.
      key: one typed PRNG key, consumed.
      bound: one draw of a lower bound of `log p(x)`, `[B]`.
      importance: `log p(x)` by so many draws of z.
    """
    samples = config.likelihood.samples
    kinds = {"elbo": lambda: elbo(key, bound, samples=samples), "importance": lambda: importance(key, samples)}
    found = pick("likelihood.kind", config.likelihood.kind, kinds)()
    return replace(found, value=found.value + observed(config).log_volume)


def sampler(config: ConfigDict, draw: Draw) -> Callable[..., Array]:
    """`Experiment.sample` of what draws in one step.

    Args:
      config: the config; its `sample.sampler` is a key of `SAMPLERS`.
      draw: see `Draw`.
    """
    law = observed(config)
    for name in (config.sample.sampler, *(row[0] for row in config.eval.rows)):
        pick("sample.sampler", name, SAMPLERS)

    def sample(
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
        """Generate `num` images `[num, ...]` in [-1, 1]."""
        label = labels_of_draws(config, num, label, steps=steps, guidance=guidance, keep=keep)
        key_z, key_x = jax.random.split(key)
        raw, log_std = draw(key_z, params, num, label)
        test = law.test(log_std)
        how: dict[str, Callable[[Array], Array]] = {"prior": test.mean, "prior_pixels": partial(test.sample, key_x)}
        return law.to_image(pick("sampler", sampler or config.sample.sampler, how)(raw))

    return sample


def interpolate(
    experiment: Experiment,
    key: Key,
    params: dict[str, PyTree],
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
    ends = experiment.encode(key_first, params, first), experiment.encode(key_second, params, second)
    path = jax.tree.map(lambda a, b: along(a, b, num), *ends)
    return jax.lax.map(lambda z: decode(key_x, params, z, **options), path)


class Pair(NamedTuple):
    """An encoder and a decoder around one vector of latent variables.

    Attributes:
      init: `key -> {"encoder", "decoder", "log_std"}`; the last is the parameter of a shared one, see `REACH`.
      encode: `(params, label) -> (x [B, ...] -> raw [B, features])`.
      decode: `(params, label) -> (z [B, latent] -> raw [B, ...])`.
    """

    init: Callable[[Key], dict[str, PyTree]]
    encode: Callable[[PyTree, Array | None], Callable[[Array], Array]]
    decode: Callable[[PyTree, Array | None], Callable[[Array], Array]]


def pair_of(config: ConfigDict, features: int) -> Pair:
    """The networks of `config.encoder`, whose output has so many features, and `config.decoder`.

    Raises:
      UserError: if one of them cannot be built.
    """
    shape, classes = tuple(config.data.shape), config.data.num_classes if config.conditional else 0
    encoder = build_network("encoder", config.encoder, out_shape=(features,), num_classes=classes)
    out_shape = (*shape[:-1], observed(config).channels)
    decoder = build_network("decoder", config.decoder, out_shape=out_shape, num_classes=classes)

    def init(key: Key) -> dict[str, PyTree]:
        key_encoder, key_decoder = jax.random.split(key)
        cond = labelled(config, jnp.zeros(1, jnp.int32))
        return {
            "encoder": encoder.init(key_encoder, jnp.zeros((1, *shape)), None, cond)["params"],
            "decoder": decoder.init(key_decoder, jnp.zeros((1, config.latent)), None, cond)["params"],
            "log_std": jnp.zeros(()),
        }

    def bind(name: str, net: nn.Module) -> Callable[[PyTree, Array | None], Callable[[Array], Array]]:
        def bound(params: PyTree, label: Array | None) -> Callable[[Array], Array]:
            cond = labelled(config, label)
            return lambda x: cast(Array, net.apply({"params": params[name]}, x, None, cond))

        return bound

    return Pair(init, bind("encoder", encoder), bind("decoder", decoder))


def decoder(
    config: ConfigDict, pair: Pair, own: Callable[[Mapping[str, PyTree]], PyTree] = lambda params: params["model"]
) -> Callable[..., Array]:
    """`Experiment.decode` of a pair, whose parameters `own` finds: the mean of the data given z `[B, latent]`."""
    law = observed(config)

    def decode(key: Key, params: Mapping[str, PyTree], z: Array, *, label: Array | None = None) -> Array:
        require_label(config, label)
        found = own(params)
        return law.to_image(law.test(found["log_std"]).mean(pair.decode(found, label)(z)))

    return decode
