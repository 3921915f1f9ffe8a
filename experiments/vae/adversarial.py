"""Autoencoders that play against a discriminator: FactorVAE, adversarial autoencoders, VAE-GAN.

Every player has an optimiser of its own, `config.train.optimizer` or `config.discriminator.optimizer`.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
from flax import linen as nn
from ml_collections import ConfigDict

from experiments.config.networks import build_network
from experiments.vae import autoencoder
from experiments.vae.autoencoder import Observed, Pair
from genjax_models.core.types import Array, Key, Likelihood, LossOutput, PyTree
from genjax_models.families.gan import minimax_discriminator, non_saturating_generator
from genjax_models.families.vae import (
    VAEGANLosses,
    factor_discriminator_loss,
    factor_vae_loss,
    gaussian_posterior,
    importance_log_prob,
    vae_gan_losses,
    vae_loss,
)
from genjax_models.nets import Perceptron
from genjax_models.training import Experiment, Player, make_optimizer
from genjax_models.training.config import optimizer_config
from genjax_models.training.names import pick


def get_config() -> ConfigDict:
    """FactorVAE."""
    config = autoencoder.default_config()
    config.experiment = "experiments.vae.adversarial"
    config.encoder = ConfigDict({"name": "genjax_models.nets.Perceptron"})
    config.decoder = ConfigDict({"name": "genjax_models.nets.Perceptron"})
    config.latent = 10
    config.game = "factor"  # or `aae`, `vae_gan`
    config.weight = 10.0  # of the discriminator's term, or of the reconstruction in a VAE-GAN: the papers' gamma
    config.discriminator = {
        "net": {"name": "genjax_models.nets.Perceptron", "widths": (256, 256), "activation": "leaky_relu"},
        "features": 0,  # of the hidden layer that measures the reconstruction in a VAE-GAN
        "optimizer": optimizer_config(),
    }
    config.discriminator.optimizer.update({"learning_rate": 1e-4, "b1": 0.5, "clip_norm": 0.0})
    return config


class Parts(NamedTuple):
    """What the games are played with; `x` is read already, and every function is of all players' parameters.

    Attributes:
      config: the config.
      law: the observation model.
      pair: encoder and decoder.
      discriminate: `(params, input [B, ...]) -> (logit [B], hidden layer [B, features])`.
    """

    config: ConfigDict
    law: Observed
    pair: Pair
    discriminate: Callable[[PyTree, Array], tuple[Array, Array]]


Objective = Callable[[Parts, Key, Mapping[str, PyTree], Array, Array], LossOutput]
"""`(parts, key, params, x, label) -> LossOutput` of one player."""


def autoencoder_of(params: Mapping[str, PyTree]) -> PyTree:
    """The autoencoder's parameters: those of the player `model`, or else of `encoder` and `decoder`."""
    return params["model"] if "model" in params else params["encoder"] | params["decoder"]


def functions(parts: Parts, params: Mapping[str, PyTree], label: Array) -> tuple:
    """Encoder, to posteriors; decoder; discriminator, to logits; the observation model."""
    own = autoencoder_of(params)
    raw = parts.pair.encode(own, label)
    return (
        lambda x: gaussian_posterior(raw(x)),
        parts.pair.decode(own, label),
        lambda z: parts.discriminate(params["discriminator"], z)[0],
        parts.law.train(own["log_std"]),
    )


def factor_model(parts: Parts, key: Key, params: Mapping[str, PyTree], x: Array, label: Array) -> LossOutput:
    encode, decode, discriminate, law = functions(parts, params, label)
    return factor_vae_loss(key, encode, decode, discriminate, x, likelihood=law, gamma=parts.config.weight)


def factor_discriminator(parts: Parts, key: Key, params: Mapping[str, PyTree], x: Array, label: Array) -> LossOutput:
    encode, _, discriminate, _ = functions(parts, params, label)
    return factor_discriminator_loss(key, encode, discriminate, x)


def aae_model(parts: Parts, key: Key, params: Mapping[str, PyTree], x: Array, label: Array) -> LossOutput:
    """Reconstruction and the encoder's side of the game at once, with codes that are the encoder's means."""
    encode, decode, discriminate, law = functions(parts, params, label)
    z = encode(x).mean
    terms = {"reconstruction": -law.log_prob(decode(z), x), "generator": non_saturating_generator(discriminate(z))}
    return LossOutput(terms["reconstruction"] + parts.config.weight * terms["generator"], terms)


def aae_discriminator(parts: Parts, key: Key, params: Mapping[str, PyTree], x: Array, label: Array) -> LossOutput:
    encode, _, discriminate, _ = functions(parts, params, label)
    z = encode(x).mean
    return LossOutput(minimax_discriminator(discriminate(jax.random.normal(key, z.shape)), discriminate(z)))


def vae_gan(player: str) -> Objective:
    """What one of the three players of a VAE-GAN minimises."""

    def objective(parts: Parts, key: Key, params: Mapping[str, PyTree], x: Array, label: Array) -> LossOutput:
        encode, decode, _, law = functions(parts, params, label)
        key_z, key_prior = jax.random.split(key)
        q = encode(x)
        z, _ = q.sample(key_z)
        inputs = x, law.mean(decode(z)), law.mean(decode(jax.random.normal(key_prior, z.shape)))
        logits, features = zip(*(parts.discriminate(params["discriminator"], image) for image in inputs), strict=True)
        kl = q.kl().sum(axis=-1)
        losses: VAEGANLosses = vae_gan_losses(kl, *features[:2], *logits, gamma=parts.config.weight)
        return LossOutput(getattr(losses, player), {"kl": kl} if player == "encoder" else {})

    return objective


GAMES: dict[str, dict[str, Objective]] = {
    "factor": {"model": factor_model, "discriminator": factor_discriminator},
    "aae": {"model": aae_model, "discriminator": aae_discriminator},
    "vae_gan": {name: vae_gan(name) for name in ("encoder", "decoder", "discriminator")},
}
"""The players of each game in the order of their moves, and what each minimises."""


def build(config: ConfigDict) -> Experiment:
    """Bind the config's networks to its game.

    Raises:
      UserError: if a name is unknown, or a network cannot be built.
    """
    game = pick("game", config.game, GAMES)
    law, pair = autoencoder.observed(config), autoencoder.pair_of(config, 2 * config.latent)
    judged = tuple(config.data.shape) if config.game == "vae_gan" else (config.latent,)
    hidden = (config.discriminator.features,) if config.game == "vae_gan" else ()
    body = build_network("discriminator.net", config.discriminator.net, out_shape=hidden)
    head = Perceptron((), widths=())

    def discriminate(params: PyTree, x: Array) -> tuple[Array, Array]:
        h = cast(Array, body.apply({"params": params["body"]}, x))
        if not hidden:
            return h, h
        return cast(Array, head.apply({"params": params["head"]}, nn.silu(h))), h

    parts = Parts(config, law, pair, discriminate)

    def initial(key: Key) -> tuple[dict[str, PyTree], PyTree]:
        key_pair, key_body, key_head = jax.random.split(key, 3)
        own = pair.init(key_pair)
        judge = {"body": body.init(key_body, jnp.zeros((1, *judged)))["params"]}
        if hidden:
            judge["head"] = head.init(key_head, jnp.zeros((1, *hidden)))["params"]
        if "model" in game:
            return {"model": own, "discriminator": judge}, {}
        encoder = {"encoder": own.pop("encoder")}
        return {"encoder": encoder, "decoder": own, "discriminator": judge}, {}

    def player(name: str, loss: Objective) -> Player:
        def objective(
            key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array], step: Array
        ) -> tuple[LossOutput, PyTree]:
            key_x, key_z = jax.random.split(key)
            return loss(parts, key_z, params, autoencoder.images_of(config, key_x, batch), batch["label"]), extra

        section = config.discriminator.optimizer if name == "discriminator" else config.train.optimizer
        return Player(name, objective, make_optimizer(section, config.train.steps))

    def bound(key: Key, params: Mapping[str, PyTree], x: Array, label: Array) -> LossOutput:
        encode, decode, _, _ = functions(parts, params, label)
        return vae_loss(key, encode, decode, x, likelihood=law.test(autoencoder_of(params)["log_std"]))

    def validate(key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array]) -> dict[str, Array]:
        key_x, key_z = jax.random.split(key)
        output = bound(key_z, params, law.read(key_x, batch["x"]), batch["label"])
        return {"loss": output.value} | dict(output.aux)

    def measure(key: Key, params: Mapping[str, PyTree], batch: Mapping[str, Array]) -> Likelihood:
        key_x, key_z = jax.random.split(key)
        x, label = law.read(key_x, batch["x"]), batch["label"]
        encode, decode, _, _ = functions(parts, params, label)
        test = law.test(autoencoder_of(params)["log_std"])
        importance = lambda key, num: importance_log_prob(key, encode, decode, x, likelihood=test, num_samples=num)
        return autoencoder.likelihood(config, key_z, lambda key: -bound(key, params, x, label).value, importance)

    def draw(key: Key, params: Mapping[str, PyTree], num: int, label: Array | None) -> tuple[Array, Array]:
        own = autoencoder_of(params)
        return pair.decode(own, label)(jax.random.normal(key, (num, config.latent))), own["log_std"]

    def encode(key: Key, params: Mapping[str, PyTree], batch: Mapping[str, Array]) -> Array:
        key_x, key_z = jax.random.split(key)
        q = functions(parts, params, batch["label"])[0](law.read(key_x, batch["x"]))
        return q.mean if config.game == "aae" else q.sample(key_z)[0]

    factor = config.game == "factor"
    return Experiment(
        init=initial,
        players=tuple(player(name, loss) for name, loss in game.items()),
        sample=autoencoder.sampler(config, draw),
        log_prob=measure if factor else None,
        validate=validate if factor else None,
        encode=encode,
        decode=autoencoder.decoder(config, pair, autoencoder_of),
    )
