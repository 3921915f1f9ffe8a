"""BiGAN: a generator, an encoder that inverts it where both win, and a discriminator of pairs (x, z)."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from ml_collections import ConfigDict

from experiments.config import sections
from experiments.config.data import check_one_step, data_of
from experiments.config.networks import Collections, Variables, across_devices, build_network, initialize
from experiments.gan import game
from genjax_models.core.arrays import mean_over_data
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key, LossOutput, PyTree
from genjax_models.families.gan import bigan_losses
from genjax_models.training import Experiment, Inference, Player, SampleRequest, make_optimizer
from genjax_models.training.settings import Section, defaults, without
from genjax_models.training.state import Objective

TASKS: tuple[str, ...] = ("sample", "encode", "decode")
"""What it can do, see `experiments.run.tasks`."""

FIELDS: Section = {
    **without(
        game.FIELDS,
        "game",
        "n_critic",
        "clip",
        "penalties",
        "consistency",
        "augment",
        "path_length",
        "mixing",
        "growth",
        "head",
        "projection",
    ),
    **sections.experiment("experiments.gan.bigan"),
    "encoder": sections.network("Perceptron", "from data to z"),
    "sample": sections.sampling("prior"),
}


def get_config() -> ConfigDict:
    """Perceptrons over flat images, as the paper has them on MNIST; the prior is uniform on [-1, 1]."""
    config = defaults(FIELDS)
    game.set_dcgan_rates(config.train.optimizer, config.discriminator_optimizer)
    return config


class Networks(NamedTuple):
    """The three networks; all of them see flat vectors, so that pairs are one vector."""

    generator: nn.Module
    encoder: nn.Module
    discriminator: nn.Module

    def init(self, key: Key, x: Array, z: Array) -> tuple[dict[str, PyTree], dict[str, PyTree]]:
        """Parameters of both players, and the collections of the three networks."""
        key_generator, key_encoder, key_discriminator = jax.random.split(key, 3)
        start = {
            "generator": initialize(self.generator, key_generator, z),
            "encoder": initialize(self.encoder, key_encoder, x),
            "discriminator": initialize(self.discriminator, key_discriminator, pair(x, z)),
        }
        own = {name: start[name].params for name in ("generator", "encoder")}
        params = {"generator": own, "discriminator": start["discriminator"].params}
        return params, {name: network.collections for name, network in start.items()}

    def generate(self, model: Variables, z: Array) -> Array:
        """`z [B, latent] -> x [B, ...]`."""
        return model.collections.apply("generator", self.generator, model.params["generator"]["generator"], z)

    def encode(self, model: Variables, x: Array) -> Array:
        """`x -> z`."""
        return model.collections.apply("encoder", self.encoder, model.params["generator"]["encoder"], x)

    def discriminate(self, model: Variables, x: Array, z: Array) -> Array:
        """Logits `[B]` of pairs."""
        own = model.params["discriminator"]
        return model.collections.apply("discriminator", self.discriminator, own, pair(x, z)).logits


def pair(x: Array, z: Array) -> Array:
    """`x [B, ...]` and `z [B, latent]` as one vector each."""
    return jnp.concatenate([x.reshape(x.shape[0], -1), z], axis=1)


def prior(key: Key, num: int, latent: int) -> Array:
    """Draws of the latent variables, `[num, latent]`."""
    return jax.random.uniform(key, (num, latent), minval=-1.0)


def build(config: ConfigDict) -> Experiment:
    """Bind the three networks to their game.

    Raises:
      UserError: if a network cannot be built, or the model is to be conditional.
    """
    if config.condition:
        raise UserError("a BiGAN models pairs of images and latent variables without a condition: set condition=()")
    sections.check_samplers(config, {"prior": None})
    data, latent = data_of(config), config.latent
    spec, modality = data.spec, data.modality
    build_one = lambda field, **options: build_network(field, config[field], train=config.train, **options)
    networks = Networks(
        build_one("generator", out_shape=spec.shape),
        build_one("encoder", out_shape=(latent,)),
        build_one("discriminator"),
    )
    training_networks = Networks(*(across_devices(net, config.train) for net in networks))

    def initial(key: Key) -> tuple[dict[str, PyTree], PyTree]:
        params, collections = networks.init(key, jnp.zeros((2, *spec.shape)), jnp.zeros((2, latent)))
        return params, {"collections": collections}

    def trained(model: Inference) -> Variables:
        return Variables(model.params, Collections(model.extra["collections"]))

    def objective(losses: Callable[[Array, Array], Array]) -> Objective:
        def run(
            key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array], step: Array
        ) -> tuple[LossOutput, PyTree]:
            key_x, key_z = jax.random.split(key)
            key_flip, key_noise = jax.random.split(key_x)
            x = data.values(config.train, batch["x"], key_flip=key_flip, key_noise=key_noise)
            z = prior(key_z, x.shape[0], latent)
            model = Variables(params, Collections(extra["collections"], train=True))
            code, fake = training_networks.encode(model, x), training_networks.generate(model, z)
            of_pairs = partial(training_networks.discriminate, model)
            value = losses(of_pairs(x, code), of_pairs(fake, z))
            error = mean_over_data((training_networks.generate(model, code) - x) ** 2)
            shown = {"spread": game.spread(fake, x), "reconstruction": error}
            return LossOutput(value, jax.lax.stop_gradient(shown)), {"collections": model.collections.latest}

        return run

    def both(encoded: Array, generated: Array) -> Array:
        losses = bigan_losses(encoded, generated)
        return losses.encoder + losses.generator

    def sample(key: Key, model: Inference, request: SampleRequest) -> Array:
        """The images `[num, ...]` in [-1, 1]."""
        check_one_step(request)
        data.requested(request)
        return networks.generate(trained(model), prior(key, request.num, latent))

    def validate(key: Key, model: Inference, batch: Mapping[str, Array]) -> dict[str, Array]:
        x, own = modality.to_model(batch["x"]), trained(model)
        return {"reconstruction": mean_over_data((networks.generate(own, networks.encode(own, x)) - x) ** 2)}

    steps = config.train.steps
    return Experiment(
        spec=spec,
        init=initial,
        players=(
            Player(
                "discriminator",
                objective(lambda *logits: bigan_losses(*logits).discriminator),
                make_optimizer(config.discriminator_optimizer, steps),
            ),
            Player("generator", objective(both), make_optimizer(config.train.optimizer, steps)),
        ),
        sample=sample,
        encode=lambda key, model, batch: networks.encode(trained(model), modality.to_model(batch["x"])),
        decode=lambda key, model, z, cond=None: networks.generate(trained(model), z),
        validate=validate,
        watch=game.watch,
    )
