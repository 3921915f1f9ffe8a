"""Variational autoencoders with many groups of latent variables: ladder and very deep."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from ml_collections import ConfigDict

from experiments.config import sections
from experiments.config.data import data_of
from experiments.config.networks import Collections, Variables, build_network, initialize, trained
from experiments.vae import autoencoder
from genjax_models.core.types import Array, Condition, Key, Likelihood, LossOutput, PyTree
from genjax_models.families.vae import GaussianPosterior, gaussian_posterior
from genjax_models.families.vae.hierarchical import (
    Group,
    generate,
    hierarchical_loss,
    importance_log_prob,
    infer,
    precision_weighted,
)
from genjax_models.training import Experiment, Inference, Player, make_optimizer
from genjax_models.training.names import pick
from genjax_models.training.settings import POSITIVE, Section, Setting, at_least

POSTERIORS: dict[str, Callable[[GaussianPosterior, GaussianPosterior], GaussianPosterior]] = {
    "free": lambda bottom_up, top_down: bottom_up,
    "precision_weighted": precision_weighted,
}
"""What a network's posterior and prior make of a group below the top."""


TASKS: tuple[str, ...] = ("sample", "log_prob", "encode", "decode")
"""What it can do, see `experiments.run.tasks`."""

FIELDS: Section = {
    **sections.experiment("experiments.vae.hierarchical"),
    **autoencoder.FIELDS,
    "net": sections.network("VeryDeepVAE", "with the methods of `Ladder` and `VeryDeepVAE`"),
    "posterior": Setting("free", "of a group below the top: free or precision_weighted"),
    "beta": autoencoder.BETA,
    "free_nats": Setting(0.0, "of a group, below which its divergence is not minimised", at_least(0)),
    "sample": sections.sampling("prior", temperature=Setting(1.0, "of the priors' deviations", POSITIVE)),
}


def get_config() -> ConfigDict:
    """The very deep VAE on mixtures of logistics."""
    config = autoencoder.unclipped(FIELDS)
    config.observation = {"name": "logistic_mixture", "options": ConfigDict({"components": 5})}
    config.eval.rows = (("prior_pixels", 1),)
    config.likelihood.samples = 1
    return config


def walk_of(
    net: nn.Module,
    variables: Variables,
    x: Array | None,
    cond: Condition | None,
    posterior: str,
    *,
    num: int = 0,
) -> tuple[list[Group], PyTree, Callable[[PyTree], Array]]:
    """A network bound to its variables, condition and data: its groups, the first state, and what decodes the last.

    Args:
      net: with the methods of `Ladder` and `VeryDeepVAE`.
      variables: of the network, its parameters and collections by the name `net`.
      x: data `[B, ...]`, or `None` for groups that only generate.
      cond: of the network.
      posterior: a key of `POSTERIORS`.
      num: examples to generate, where there is no data.
    """
    combine = pick("posterior", posterior, POSTERIORS)

    def call(method: str, *args: Any) -> Any:
        return variables.collections.apply("net", net, variables.params["net"], *args, method=method)

    found = () if x is None else call("encode", x, cond)

    def group(number: int) -> Group:
        def prior(h: PyTree) -> tuple[GaussianPosterior, PyTree]:
            raw, below = call("prior", number, h)
            return gaussian_posterior(raw), below

        def q(h: PyTree, p: GaussianPosterior) -> GaussianPosterior:
            bottom_up = gaussian_posterior(call("posterior", number, h, found))
            return combine(bottom_up, p) if number else bottom_up

        return Group(prior, q, lambda h, z: call("merge", number, h, z))

    start = call("start", num if x is None else x.shape[0], cond)
    return [group(number) for number in range(net.groups)], start, lambda h: call("decode", h)


def build(config: ConfigDict) -> Experiment:
    """Bind the config's network to the bound.

    Raises:
      UserError: if a name is unknown, or the network cannot be built.
    """
    data = data_of(config)
    observation, spec = autoencoder.observed(config, data.spec), data.spec
    out_shape = (*spec.shape[:-1], observation.channels)
    net = build_network("net", config.net, train=config.train, out_shape=out_shape, **data.network_fields())
    pick("posterior", config.posterior, POSTERIORS)

    def initial(key: Key) -> tuple[dict[str, PyTree], PyTree]:
        start = initialize(net, key, jnp.zeros((1, *spec.shape)), None, data.example())
        return {"model": {"net": start.params, "log_std": jnp.zeros(())}}, {"collections": {"net": start.collections}}

    def walk(own: Variables, x: Array | None, cond: Condition | None, num: int = 0) -> tuple:
        return walk_of(net, own, x, cond, config.posterior, num=num)

    def terms(f: Callable, key: Key, own: Variables, x: Array, cond: Condition | None, **options: Any) -> Any:
        """`f` of the bound's parts, outside training."""
        groups, start, decode = walk(own, x, cond)
        test = observation.test(own.params["log_std"])
        return f(key, groups, start, lambda h: test.log_prob(decode(h), x), **options)

    def objective(
        key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array], step: Array
    ) -> tuple[LossOutput, PyTree]:
        key_x, key_z = jax.random.split(key)
        x = autoencoder.training_data(config, observation, key_x, batch)
        own = Variables(params["model"], Collections(extra["collections"], train=True))
        groups, start, decode = walk(own, x, data.condition(batch))
        train = observation.train(own.params["log_std"])
        beta = autoencoder.warmed_up(config.beta.value, config.beta.warmup_steps, step)
        output = hierarchical_loss(
            key_z, groups, start, lambda h: train.log_prob(decode(h), x), beta=beta, free_nats=config.free_nats
        )
        return output, {"collections": own.collections.latest}

    def validate(key: Key, model: Inference, batch: Mapping[str, Array]) -> dict[str, Array]:
        key_x, key_z = jax.random.split(key)
        x = observation.preprocess(key_x, batch["x"])
        output = terms(hierarchical_loss, key_z, trained(model), x, data.condition(batch))
        return {"loss": output.value} | dict(output.aux)

    def measure(key: Key, model: Inference, batch: Mapping[str, Array]) -> Likelihood:
        key_x, key_z = jax.random.split(key)
        x, own, cond = observation.preprocess(key_x, batch["x"]), trained(model), data.condition(batch)
        bound = lambda key: -terms(hierarchical_loss, key, own, x, cond).value
        importance = lambda key, num: terms(importance_log_prob, key, own, x, cond, num_samples=num)
        return autoencoder.likelihood(config, observation, key_z, bound, importance)

    def draw(key: Key, model: Inference, num: int, cond: Condition | None) -> tuple[Array, Array]:
        own = trained(model)
        groups, start, decode = walk(own, None, cond, num)
        return decode(generate(key, groups, start, temperature=config.sample.temperature)), own.params["log_std"]

    def encode(key: Key, model: Inference, batch: Mapping[str, Array]) -> tuple[Array, ...]:
        key_x, key_z = jax.random.split(key)
        x = observation.preprocess(key_x, batch["x"])
        groups, start, _ = walk(trained(model), x, data.condition(batch))
        return infer(key_z, groups, start).z

    def decode(key: Key, model: Inference, z: tuple[Array, ...], cond: Condition | None = None) -> Array:
        own = trained(model)
        groups, start, last = walk(own, None, cond, z[0].shape[0])
        raw = last(generate(key, groups, start, z=z, temperature=config.sample.temperature))
        return observation.to_image(observation.test(own.params["log_std"]).mean(raw))

    player = Player("model", objective, make_optimizer(config.train.optimizer, config.train.steps))
    return Experiment(
        spec=spec,
        init=initial,
        players=(player,),
        conditions=data.conditions,
        sample=autoencoder.sampler(config, data, observation, draw),
        log_prob=measure,
        validate=validate,
        encode=encode,
        decode=decode,
    )
