"""A trained generator: standing statistics, samples, decodings and projections.

Samplers: `prior` draws z from the prior; `truncated` gives variety up for quality, by pulling styles towards their
mean, w' = mean + psi (w - mean), or, where there are none, by drawing z anew until it lies within [-psi, psi].

References:
  Brock et al., Large Scale GAN Training for High Fidelity Natural Image Synthesis, 2019, https://arxiv.org/abs/1809.11096
  Karras et al., A Style-Based Generator Architecture for Generative Adversarial Networks, 2019,
  https://arxiv.org/abs/1812.04948
"""

from collections.abc import Callable, Mapping
from typing import cast

import jax
import jax.numpy as jnp

from experiments.config import sections
from experiments.config.data import check_one_step
from experiments.gan.networks import Networks
from genjax_models.core.arrays import mean_over_data
from genjax_models.core.types import Array, Condition, Key, PyTree
from genjax_models.families.gan import project, standing_statistics
from genjax_models.training import Inference, SampleRequest
from genjax_models.training.names import pick

SAMPLERS = {"prior": False, "truncated": True}
"""Whether they truncate."""
BATCHES, BATCH = 32, 64
"""Latent variables whose moments are averaged into standing statistics, and styles into their mean."""


def finalize(networks: Networks, params: Mapping[str, PyTree], extra: PyTree) -> Inference:
    """The generator with what it needs to generate: standing batch statistics, the mean style.

    Weights are those given, an average as a rule, whose statistics no training step has seen. Statistics are those of
    the prior, of which a truncated draw is a special one. They stand in `extra["generation"]`.
    """
    weights = {"params": params["generator"]["net"]}
    step, data = extra["step"], networks.data

    def conditions(key: Key) -> Condition | None:
        """Random classes; other fields are null."""
        label = jax.random.randint(jax.random.fold_in(key, 0), (BATCH,), 0, max(data.spec.num_classes, 1))
        return data.null(BATCH) | ({"label": label} if "label" in data.fields else {}) or None

    def statistics(key: Key) -> PyTree:
        key_z, key_x = jax.random.split(key)
        z, variables = networks.prior(key_z, BATCH), weights | extra["generator"]
        return networks.generate(key_x, variables, z, conditions(key), step=step)[1]

    key_x, key_w = jax.random.split(jax.random.key(0))
    state = standing_statistics(key_x, statistics, BATCHES) if extra["generator"] else {}
    generation = {"variables": weights | state, "step": step}
    if networks.styled:
        styles = lambda key: networks.styles(weights, networks.prior(key, BATCH), conditions(key))
        generation["mean_style"] = jax.lax.map(styles, jax.random.split(key_w, BATCHES)).mean(axis=(0, 1))
    return Inference(dict(params), dict(extra) | {"generation": generation})


def sampler(networks: Networks) -> Callable[[Key, Inference, SampleRequest], Array]:
    """`Experiment.sample`."""
    config = networks.config
    sections.check_samplers(config, SAMPLERS)

    def sample(key: Key, model: Inference, request: SampleRequest) -> Array:
        """The samples `[num, ...]`, images in [-1, 1]."""
        check_one_step(request)
        cond = networks.data.requested(request)
        key_z, key_noise = jax.random.split(key)
        generation, psi = model.extra["generation"], config.sample.truncation
        name = request.sampler or config.sample.sampler
        truncated = pick("sampler", name, SAMPLERS)
        shape = (request.num, config.latent)
        if truncated and not networks.styled:
            return decode(networks, generation, jax.random.truncated_normal(key_z, -psi, psi, shape), cond)
        z = networks.prior(key_z, request.num)
        if not networks.styled:
            return decode(networks, generation, z, cond)
        w = networks.styles(generation["variables"], z, cond)
        mean = generation["mean_style"][None]
        return networks.synthesize(generation["variables"], mean + psi * (w - mean) if truncated else w, key=key_noise)

    return sample


def decode(networks: Networks, generation: PyTree, z: Array, cond: Condition | None) -> Array:
    """Images of latent variables `[B, latent]`, or of styles `[B, layers, styles]` with fixed noise."""
    variables = generation["variables"]
    if networks.styled:
        w = networks.styles(variables, z, cond) if z.ndim == 2 else z
        return networks.synthesize(variables, w)
    t = networks.growth(generation["step"], z.shape[0])
    return cast(Array, networks.generator.apply(variables, z, t, cond, train=False))


def decoder(networks: Networks) -> Callable[..., Array]:
    """`Experiment.decode`."""

    def decoded(key: Key, model: Inference, z: Array, cond: Condition | None = None) -> Array:
        networks.data.require(cond)
        return decode(networks, model.extra["generation"], z, cond)

    return decoded


def projector(networks: Networks) -> Callable[[Key, Inference, PyTree], Array]:
    """`Experiment.encode`: the styles, or the latent variables, whose images come nearest in mean square."""
    config, data = networks.config, networks.data

    def projected(key: Key, model: Inference, batch: Mapping[str, Array]) -> Array:
        x, cond = data.modality.to_model(batch["x"]), data.condition(batch)
        generation = model.extra["generation"]
        if networks.styled:
            start = jnp.broadcast_to(generation["mean_style"], (x.shape[0], *generation["mean_style"].shape))
        else:
            start = 0.1 * jax.random.normal(key, (x.shape[0], config.latent))
        distance = lambda z: mean_over_data((decode(networks, generation, z, cond) - x) ** 2)
        return project(distance, start, steps=config.projection.steps, learning_rate=config.projection.learning_rate)

    return projected
