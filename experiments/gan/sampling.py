"""What a trained generator is asked: standing statistics first, then samples, decodings and projections.

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

from experiments.gan.networks import Networks
from experiments.run.one_shot import labels_of_draws, require_label
from genjax_models.core.arrays import mean_over_data
from genjax_models.core.types import Array, Key, PyTree
from genjax_models.families.gan import project, standing_statistics
from genjax_models.modalities.image import to_float
from genjax_models.training.names import pick

SAMPLERS = ("prior", "truncated")
BATCHES, BATCH = 32, 64
"""Latent variables whose moments are averaged into standing statistics, and styles into their mean."""


def settle(networks: Networks, params: Mapping[str, PyTree], extra: PyTree) -> dict[str, PyTree]:
    """The generator's variables with what it needs to generate: standing batch statistics, the mean style.

    Weights are those given, an average as a rule, whose statistics no training step has seen. Statistics are those of
    the prior, of which a truncated draw is a special one.
    """
    weights = {"params": params["generator"]["net"]}
    step = extra["step"]
    classes = max(networks.config.data.num_classes, 1)
    labels = lambda key: jax.random.randint(jax.random.fold_in(key, 0), (BATCH,), 0, classes)

    def statistics(key: Key) -> PyTree:
        key_z, key_x = jax.random.split(key)
        z, variables = networks.prior(key_z, BATCH), weights | extra["generator"]
        return networks.generate(key_x, variables, z, labels(key), step=step)[1]

    key_x, key_w = jax.random.split(jax.random.key(0))
    state = standing_statistics(key_x, statistics, BATCHES) if extra["generator"] else {}
    settled = {"variables": weights | state, "step": step}
    if networks.styled:
        styles = lambda key: networks.styles(weights, networks.prior(key, BATCH), labels(key))
        settled["mean_style"] = jax.lax.map(styles, jax.random.split(key_w, BATCHES)).mean(axis=(0, 1))
    return dict(params) | {"generator": settled}


def sampler(networks: Networks) -> Callable[..., Array]:
    """`Experiment.sample`."""
    config = networks.config
    for name in (config.sample.sampler, *(row[0] for row in config.eval.rows)):
        pick("sample.sampler", name, dict.fromkeys(SAMPLERS))

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
        """Generate `num` examples `[num, ...]`, images in [-1, 1]."""
        label = labels_of_draws(config, num, label, steps=steps, guidance=guidance, keep=keep)
        key_z, key_noise = jax.random.split(key)
        settled, psi = params["generator"], config.sample.truncation
        truncated = pick("sampler", sampler or config.sample.sampler, {"prior": False, "truncated": True})
        shape = (num, config.latent)
        if truncated and not networks.styled:
            return decode(networks, settled, jax.random.truncated_normal(key_z, -psi, psi, shape), label)
        z = networks.prior(key_z, num)
        if not networks.styled:
            return decode(networks, settled, z, label)
        w = networks.styles(settled["variables"], z, label)
        mean = settled["mean_style"][None]
        return networks.synthesize(settled["variables"], mean + psi * (w - mean) if truncated else w, key=key_noise)

    return sample


def decode(networks: Networks, settled: PyTree, z: Array, label: Array | None) -> Array:
    """Images of latent variables `[B, latent]`, or of styles `[B, layers, styles]` with fixed noise."""
    variables = settled["variables"]
    if networks.styled:
        w = networks.styles(variables, z, label) if z.ndim == 2 else z
        return networks.synthesize(variables, w)
    t = networks.growth(settled["step"], z.shape[0])
    return cast(Array, networks.generator.apply(variables, z, t, networks.condition(label), train=False))


def decoder(networks: Networks) -> Callable[..., Array]:
    """`Experiment.decode`."""

    def decoded(key: Key, params: Mapping[str, PyTree], z: Array, *, label: Array | None = None) -> Array:
        require_label(networks.config, label)
        return decode(networks, params["generator"], z, label)

    return decoded


def projector(networks: Networks) -> Callable[..., Array]:
    """`Experiment.encode`: the styles, or the latent variables, whose images come nearest in mean square."""
    config = networks.config

    def projected(key: Key, params: Mapping[str, PyTree], batch: Mapping[str, Array]) -> Array:
        x, settled = to_float(batch["x"]), params["generator"]
        if networks.styled:
            start = jnp.broadcast_to(settled["mean_style"], (x.shape[0], *settled["mean_style"].shape))
        else:
            start = 0.1 * jax.random.normal(key, (x.shape[0], config.latent))
        distance = lambda z: mean_over_data((decode(networks, settled, z, batch["label"]) - x) ** 2)
        return project(distance, start, steps=config.projection.steps, learning_rate=config.projection.learning_rate)

    return projected
