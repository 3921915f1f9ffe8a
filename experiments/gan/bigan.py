"""BiGAN: a generator and an encoder that are each other's inverse where they win, and a judge of pairs (x, z)."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
from flax import linen as nn
from ml_collections import ConfigDict

from experiments.config.networks import build_network, stateless
from experiments.gan import game
from experiments.run.one_shot import labels_of_draws
from genjax_models.core.arrays import mean_over_data
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key, LossOutput, PyTree
from genjax_models.families.gan import bigan_losses
from genjax_models.modalities.image import to_float
from genjax_models.nets.layers.discriminator_output import DiscriminatorOutput
from genjax_models.training import Experiment, Player, make_optimizer
from genjax_models.training.names import pick
from genjax_models.training.state import Objective


def get_config() -> ConfigDict:
    """Perceptrons over flat images, as the paper has them on MNIST; the prior is uniform on [-1, 1]."""
    config = game.get_config()
    config.experiment = "experiments.gan.bigan"
    config.encoder = ConfigDict({"name": "genjax_models.nets.Perceptron"})
    of_other_games = "game", "n_critic", "clip", "penalties", "consistency", "augment", "path_length", "mixing"
    for field in (*of_other_games, "growth", "head", "projection"):
        del config[field]
    del config.sample.truncation
    return config


class Networks(NamedTuple):
    """The three networks; all of them see flat vectors, so that pairs are one vector."""

    generator: nn.Module
    encoder: nn.Module
    discriminator: nn.Module

    def init(self, key: Key, x: Array, z: Array) -> dict[str, PyTree]:
        """Parameters of both players."""
        key_generator, key_encoder, key_discriminator = jax.random.split(key, 3)
        own = {
            "generator": stateless("generator", self.generator.init(key_generator, z)),
            "encoder": stateless("encoder", self.encoder.init(key_encoder, x)),
        }
        judge = stateless("discriminator", self.discriminator.init(key_discriminator, pair(x, z)))
        return {"generator": own, "discriminator": judge}

    def generate(self, params: Mapping[str, PyTree], z: Array) -> Array:
        """`z [B, latent] -> x [B, ...]`."""
        return cast(Array, self.generator.apply({"params": params["generator"]["generator"]}, z))

    def encode(self, params: Mapping[str, PyTree], x: Array) -> Array:
        """`x -> z`."""
        return cast(Array, self.encoder.apply({"params": params["generator"]["encoder"]}, x))

    def judge(self, params: Mapping[str, PyTree], x: Array, z: Array) -> Array:
        """Logits `[B]` of pairs."""
        judged = cast(DiscriminatorOutput, self.discriminator.apply({"params": params["discriminator"]}, pair(x, z)))
        return judged.logits


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
    if config.conditional:
        raise UserError("a BiGAN judges pairs of images and latent variables, without classes: set conditional=False")
    for name in (config.sample.sampler, *(row[0] for row in config.eval.rows)):
        pick("sample.sampler", name, {"prior": None})
    shape, latent = tuple(config.data.shape), config.latent
    networks = Networks(
        build_network("generator", config.generator, out_shape=shape),
        build_network("encoder", config.encoder, out_shape=(latent,)),
        build_network("discriminator", config.discriminator),
    )

    def initial(key: Key) -> tuple[dict[str, PyTree], PyTree]:
        return networks.init(key, jnp.zeros((2, *shape)), jnp.zeros((2, latent))), {}

    def objective(losses: Callable[[Array, Array], Array]) -> Objective:
        def run(
            key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array], step: Array
        ) -> tuple[LossOutput, PyTree]:
            key_x, key_z = jax.random.split(key)
            x = game.images_of(config, key_x, batch)
            z = prior(key_z, x.shape[0], latent)
            code, fake = networks.encode(params, x), networks.generate(params, z)
            value = losses(networks.judge(params, x, code), networks.judge(params, fake, z))
            error = mean_over_data((networks.generate(params, code) - x) ** 2)
            shown = {"spread": game.spread(fake, x), "reconstruction": error}
            return LossOutput(value, jax.lax.stop_gradient(shown)), extra

        return run

    def both(encoded: Array, generated: Array) -> Array:
        losses = bigan_losses(encoded, generated)
        return losses.encoder + losses.generator

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
        labels_of_draws(config, num, label, steps=steps, guidance=guidance, keep=keep)
        return networks.generate(params, prior(key, num, latent))

    def validate(key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array]) -> dict[str, Array]:
        x = to_float(batch["x"])
        return {"reconstruction": mean_over_data((networks.generate(params, networks.encode(params, x)) - x) ** 2)}

    steps = config.train.steps
    return Experiment(
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
        encode=lambda key, params, batch: networks.encode(params, to_float(batch["x"])),
        decode=lambda key, params, z, *, label=None: networks.generate(params, z),
        validate=validate,
        watch=game.watch,
    )
