"""Variational autoencoders with many groups of latent variables: ladder and very deep."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from ml_collections import ConfigDict

from experiments.config.networks import build_network
from experiments.run.one_shot import labelled
from experiments.vae import autoencoder
from genjax_models.core.types import Array, Key, Likelihood, LossOutput, PyTree
from genjax_models.families.vae import GaussianPosterior, gaussian_posterior
from genjax_models.families.vae.hierarchical import (
    Group,
    generate,
    hierarchical_loss,
    importance_log_prob,
    infer,
    precision_weighted,
)
from genjax_models.training import Experiment, Player, make_optimizer
from genjax_models.training.names import pick

POSTERIORS: dict[str, Callable[[GaussianPosterior, GaussianPosterior], GaussianPosterior]] = {
    "free": lambda belief, expectation: belief,
    "precision_weighted": precision_weighted,
}
"""What a network's posterior and prior make of a group below the top."""


def get_config() -> ConfigDict:
    """The very deep VAE on mixtures of logistics."""
    config = autoencoder.default_config()
    config.experiment = "experiments.vae.hierarchical"
    config.net = ConfigDict({"name": "genjax_models.nets.VeryDeepVAE"})
    config.observation = {"name": "logistic_mixture", "options": ConfigDict({"components": 5})}
    config.posterior = "free"
    config.beta = {"value": 1.0, "warmup_steps": 0}
    config.free_nats = 0.0  # a group
    config.sample.temperature = 1.0  # factor of the priors' standard deviations
    config.eval.rows = (("prior_pixels", 1),)
    config.likelihood.samples = 1
    return config


def walk_of(
    net: nn.Module, params: PyTree, x: Array | None, cond: Mapping[str, Array] | None, posterior: str, *, num: int = 0
) -> tuple[list[Group], PyTree, Callable[[PyTree], Array]]:
    """A network bound to parameters, condition and data: its groups, the first state, and what decodes the last.

    Args:
      net: with the methods of `Ladder` and `VeryDeepVAE`.
      params: of the network.
      x: data `[B, ...]`, or `None` for groups that only generate.
      cond: of the network.
      posterior: a key of `POSTERIORS`.
      num: examples to generate, where there is no data.
    """
    combine = pick("posterior", posterior, POSTERIORS)

    def call(method: str, *args: Any) -> Any:
        return net.apply({"params": params}, *args, method=method)

    found = () if x is None else call("encode", x, cond)

    def group(number: int) -> Group:
        def prior(h: PyTree) -> tuple[GaussianPosterior, PyTree]:
            raw, below = call("prior", number, h)
            return gaussian_posterior(raw), below

        def q(h: PyTree, p: GaussianPosterior) -> GaussianPosterior:
            belief = gaussian_posterior(call("posterior", number, h, found))
            return combine(belief, p) if number else belief

        return Group(prior, q, lambda h, z: call("merge", number, h, z))

    start = call("start", num if x is None else x.shape[0], cond)
    return [group(number) for number in range(net.groups)], start, lambda h: call("decode", h)


def build(config: ConfigDict) -> Experiment:
    """Bind the config's network to the bound.

    Raises:
      UserError: if a name is unknown, or the network cannot be built.
    """
    law, shape = autoencoder.observed(config), tuple(config.data.shape)
    out_shape = (*shape[:-1], law.channels)
    num_classes = config.data.num_classes if config.conditional else 0
    net = build_network("net", config.net, out_shape=out_shape, num_classes=num_classes)
    pick("posterior", config.posterior, POSTERIORS)

    def initial(key: Key) -> tuple[dict[str, PyTree], PyTree]:
        cond = labelled(config, jnp.zeros(1, jnp.int32))
        params = net.init(key, jnp.zeros((1, *shape)), None, cond)["params"]
        return {"model": {"net": params, "log_std": jnp.zeros(())}}, {}

    def walk(params: PyTree, x: Array | None, label: Array | None, num: int = 0) -> tuple:
        return walk_of(net, params["net"], x, labelled(config, label), config.posterior, num=num)

    def terms(f: Callable, key: Key, params: PyTree, x: Array, label: Array, **options: Any) -> Any:
        """`f` of the bound's parts, outside training."""
        groups, start, decode = walk(params, x, label)
        law_here = law.test(params["log_std"])
        return f(key, groups, start, lambda h: law_here.log_prob(decode(h), x), **options)

    def objective(
        key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array], step: Array
    ) -> tuple[LossOutput, PyTree]:
        key_x, key_z = jax.random.split(key)
        x, own = autoencoder.images_of(config, key_x, batch), params["model"]
        groups, start, decode = walk(own, x, batch["label"])
        train = law.train(own["log_std"])
        beta = autoencoder.warmed_up(config.beta.value, config.beta.warmup_steps, step)
        output = hierarchical_loss(
            key_z, groups, start, lambda h: train.log_prob(decode(h), x), beta=beta, free_nats=config.free_nats
        )
        return output, extra

    def validate(key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array]) -> dict[str, Array]:
        key_x, key_z = jax.random.split(key)
        x = law.read(key_x, batch["x"])
        output = terms(hierarchical_loss, key_z, params["model"], x, batch["label"])
        return {"loss": output.value} | dict(output.aux)

    def measure(key: Key, params: Mapping[str, PyTree], batch: Mapping[str, Array]) -> Likelihood:
        key_x, key_z = jax.random.split(key)
        x, own, label = law.read(key_x, batch["x"]), params["model"], batch["label"]
        bound = lambda key: -terms(hierarchical_loss, key, own, x, label).value
        importance = lambda key, num: terms(importance_log_prob, key, own, x, label, num_samples=num)
        return autoencoder.likelihood(config, key_z, bound, importance)

    def draw(key: Key, params: Mapping[str, PyTree], num: int, label: Array | None) -> tuple[Array, Array]:
        own = params["model"]
        groups, start, decode = walk(own, None, label, num)
        return decode(generate(key, groups, start, temperature=config.sample.temperature)), own["log_std"]

    def encode(key: Key, params: Mapping[str, PyTree], batch: Mapping[str, Array]) -> tuple[Array, ...]:
        key_x, key_z = jax.random.split(key)
        groups, start, _ = walk(params["model"], law.read(key_x, batch["x"]), batch["label"])
        return infer(key_z, groups, start).z

    def decode(key: Key, params: Mapping[str, PyTree], z: tuple[Array, ...], *, label: Array | None = None) -> Array:
        own = params["model"]
        groups, start, last = walk(own, None, label, z[0].shape[0])
        raw = last(generate(key, groups, start, z=z, temperature=config.sample.temperature))
        return law.to_image(law.test(own["log_std"]).mean(raw))

    player = Player("model", objective, make_optimizer(config.train.optimizer, config.train.steps))
    return Experiment(
        init=initial,
        players=(player,),
        sample=autoencoder.sampler(config, draw),
        log_prob=measure,
        validate=validate,
        encode=encode,
        decode=decode,
    )
