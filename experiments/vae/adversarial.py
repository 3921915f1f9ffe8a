"""Autoencoders trained with a discriminator: FactorVAE, adversarial autoencoders, VAE-GAN.

Every player has an optimiser of its own, `config.train.optimizer` or `config.discriminator.optimizer`.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from ml_collections import ConfigDict

from experiments.config import sections
from experiments.config.data import data_of
from experiments.config.networks import Collections, Variables, across_devices, build_network, initialize
from experiments.vae import autoencoder
from experiments.vae.autoencoder import Observed, Pair
from genjax_models.core.types import Array, Condition, Key, Likelihood, LossOutput, PyTree
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
from genjax_models.training import Experiment, Inference, Player, make_optimizer
from genjax_models.training.config import OPTIMIZER
from genjax_models.training.names import pick
from genjax_models.training.settings import Section, Setting, at_least

TASKS: tuple[str, ...] = ("sample", "log_prob", "encode", "decode")
"""What it can do, see `experiments.run.tasks`; log_prob of FactorVAE alone."""

FIELDS: Section = {
    **sections.experiment("experiments.vae.adversarial"),
    **autoencoder.FIELDS,
    **autoencoder.NETWORKS,
    "game": Setting("factor", "factor, aae or vae_gan"),
    "weight": Setting(
        10.0, "of the discriminator's term, or of the reconstruction in a VAE-GAN: the papers' gamma", at_least(0)
    ),
    "discriminator": {
        "net": sections.network("Perceptron", "the discriminator", widths=(256, 256), activation="leaky_relu"),
        "features": Setting(0, "of the hidden layer that measures the reconstruction in a VAE-GAN", at_least(0)),
        "optimizer": OPTIMIZER,
    },
}


def get_config() -> ConfigDict:
    """FactorVAE."""
    config = autoencoder.unclipped(FIELDS)
    config.discriminator.optimizer.update({"learning_rate": 1e-4, "b1": 0.5, "clip_norm": 0.0})
    return config


class Parts(NamedTuple):
    """What the games are played with; `x` is preprocessed, and every function is of all players' parameters.

    Attributes:
      config: the config.
      observation: the observation model.
      pair: encoder and decoder.
      discriminate: `(variables, input [B, ...]) -> (logit [B], hidden layer [B, features])`.
    """

    config: ConfigDict
    observation: Observed
    pair: Pair
    discriminate: Callable[[Variables, Array], tuple[Array, Array]]


Objective = Callable[[Parts, Key, Variables, Array, Condition | None], LossOutput]
"""`(parts, key, variables, x, cond) -> LossOutput` of one player."""


def autoencoder_of(params: Mapping[str, PyTree]) -> PyTree:
    """The autoencoder's parameters: those of the player `model`, or else of `encoder` and `decoder`."""
    return params["model"] if "model" in params else params["encoder"] | params["decoder"]


def functions(parts: Parts, variables: Variables, cond: Condition | None) -> tuple:
    """Encoder, to posteriors; decoder; discriminator, to logits; the observation model."""
    own = variables._replace(params=autoencoder_of(variables.params))
    raw = parts.pair.encode(own, cond)
    return (
        lambda x: gaussian_posterior(raw(x)),
        parts.pair.decode(own, cond),
        lambda z: parts.discriminate(variables, z)[0],
        parts.observation.train(own.params["log_std"]),
    )


def factor_model(parts: Parts, key: Key, variables: Variables, x: Array, cond: Condition | None) -> LossOutput:
    encode, decode, discriminate, likelihood = functions(parts, variables, cond)
    return factor_vae_loss(key, encode, decode, discriminate, x, likelihood=likelihood, gamma=parts.config.weight)


def factor_discriminator(parts: Parts, key: Key, variables: Variables, x: Array, cond: Condition | None) -> LossOutput:
    encode, _, discriminate, _ = functions(parts, variables, cond)
    return factor_discriminator_loss(key, encode, discriminate, x)


def aae_model(parts: Parts, key: Key, variables: Variables, x: Array, cond: Condition | None) -> LossOutput:
    """Reconstruction and the encoder's side of the game at once, with codes that are the encoder's means."""
    encode, decode, discriminate, likelihood = functions(parts, variables, cond)
    z = encode(x).mean
    generator = non_saturating_generator(discriminate(z))
    terms = {"reconstruction": -likelihood.log_prob(decode(z), x), "generator": generator}
    return LossOutput(terms["reconstruction"] + parts.config.weight * terms["generator"], terms)


def aae_discriminator(parts: Parts, key: Key, variables: Variables, x: Array, cond: Condition | None) -> LossOutput:
    encode, _, discriminate, _ = functions(parts, variables, cond)
    z = encode(x).mean
    return LossOutput(minimax_discriminator(discriminate(jax.random.normal(key, z.shape)), discriminate(z)))


def vae_gan(player: str) -> Objective:
    """What one of the three players of a VAE-GAN minimises."""

    def objective(parts: Parts, key: Key, variables: Variables, x: Array, cond: Condition | None) -> LossOutput:
        encode, decode, _, likelihood = functions(parts, variables, cond)
        key_z, key_prior = jax.random.split(key)
        q = encode(x)
        z, _ = q.sample(key_z)
        inputs = x, likelihood.mean(decode(z)), likelihood.mean(decode(jax.random.normal(key_prior, z.shape)))
        logits, features = zip(*(parts.discriminate(variables, image) for image in inputs), strict=True)
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


def discriminator(
    body: nn.Module, training_body: nn.Module, head: nn.Module | None
) -> Callable[[Variables, Array], tuple[Array, Array]]:
    """`Parts.discriminate`: a network, in training another form of it, and a head where it ends in a hidden layer."""

    def discriminate(variables: Variables, x: Array) -> tuple[Array, Array]:
        own, collections = variables.params["discriminator"], variables.collections
        h = collections.apply("body", training_body if collections.train else body, own["body"], x)
        if head is None:
            return h, h
        return collections.apply("head", head, own["head"], nn.silu(h)), h

    return discriminate


def build(config: ConfigDict) -> Experiment:
    """Bind the config's networks to its game.

    Raises:
      UserError: if a name is unknown, or a network cannot be built.
    """
    game = pick("game", config.game, GAMES)
    data = data_of(config)
    spec, observation = data.spec, autoencoder.observed(config, data.spec)
    pair = autoencoder.pair_of(config, data, observation, 2 * config.latent)
    input_shape = spec.shape if config.game == "vae_gan" else (config.latent,)
    hidden = (config.discriminator.features,) if config.game == "vae_gan" else ()
    body = build_network("discriminator.net", config.discriminator.net, train=config.train, out_shape=hidden)
    head = Perceptron((), widths=())

    parts = Parts(
        config, observation, pair, discriminator(body, across_devices(body, config.train), head if hidden else None)
    )

    trained = lambda model: Variables(model.params, Collections(model.extra["collections"]))

    def initial(key: Key) -> tuple[dict[str, PyTree], PyTree]:
        key_pair, key_body, key_head = jax.random.split(key, 3)
        own, collections = pair.init(key_pair)
        start = initialize(body, key_body, jnp.zeros((1, *input_shape)))
        discriminator = {"body": start.params}
        if hidden:
            discriminator["head"] = initialize(head, key_head, jnp.zeros((1, *hidden))).params
        extra = {"collections": collections | {"body": start.collections}}
        if "model" in game:
            return {"model": own, "discriminator": discriminator}, extra
        encoder = {"encoder": own.pop("encoder")}
        return {"encoder": encoder, "decoder": own, "discriminator": discriminator}, extra

    def player(name: str, loss: Objective) -> Player:
        def objective(
            key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array], step: Array
        ) -> tuple[LossOutput, PyTree]:
            key_x, key_z = jax.random.split(key)
            variables = Variables(params, Collections(extra["collections"], train=True))
            x = autoencoder.training_data(config, observation, key_x, batch)
            output = loss(parts, key_z, variables, x, data.condition(batch))
            return output, {"collections": variables.collections.latest}

        section = config.discriminator.optimizer if name == "discriminator" else config.train.optimizer
        return Player(name, objective, make_optimizer(section, config.train.steps))

    def bound(key: Key, variables: Variables, x: Array, cond: Condition | None) -> LossOutput:
        encode, decode, _, _ = functions(parts, variables, cond)
        likelihood = observation.test(autoencoder_of(variables.params)["log_std"])
        return vae_loss(key, encode, decode, x, likelihood=likelihood)

    def validate(key: Key, model: Inference, batch: Mapping[str, Array]) -> dict[str, Array]:
        key_x, key_z = jax.random.split(key)
        x = observation.preprocess(key_x, batch["x"])
        output = bound(key_z, trained(model), x, data.condition(batch))
        return {"loss": output.value} | dict(output.aux)

    def measure(key: Key, model: Inference, batch: Mapping[str, Array]) -> Likelihood:
        key_x, key_z = jax.random.split(key)
        x, cond, own = observation.preprocess(key_x, batch["x"]), data.condition(batch), trained(model)
        encode, decode, _, _ = functions(parts, own, cond)
        test = observation.test(autoencoder_of(model.params)["log_std"])
        importance = lambda key, num: importance_log_prob(key, encode, decode, x, likelihood=test, num_samples=num)
        bound_of = lambda key: -bound(key, own, x, cond).value
        return autoencoder.likelihood(config, observation, key_z, bound_of, importance)

    def draw(key: Key, model: Inference, num: int, cond: Condition | None) -> tuple[Array, Array]:
        own = trained(model)
        own = own._replace(params=autoencoder_of(own.params))
        return pair.decode(own, cond)(jax.random.normal(key, (num, config.latent))), own.params["log_std"]

    def encode(key: Key, model: Inference, batch: Mapping[str, Array]) -> Array:
        key_x, key_z = jax.random.split(key)
        x = observation.preprocess(key_x, batch["x"])
        q = functions(parts, trained(model), data.condition(batch))[0](x)
        return q.mean if config.game == "aae" else q.sample(key_z)[0]

    factor = config.game == "factor"
    return Experiment(
        spec=spec,
        init=initial,
        players=tuple(player(name, loss) for name, loss in game.items()),
        conditions=data.conditions,
        sample=autoencoder.sampler(config, data, observation, draw),
        log_prob=measure if factor else None,
        validate=validate if factor else None,
        encode=encode,
        decode=autoencoder.decoder(data, observation, pair, autoencoder_of),
    )
