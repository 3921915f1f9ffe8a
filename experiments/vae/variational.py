"""Variational autoencoders of one vector of latent variables, on any of the objectives that need no discriminator."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from experiments.config import sections
from experiments.config.data import Data, data_of
from experiments.config.networks import Collections, Variables, trained
from experiments.vae import autoencoder
from experiments.vae.latent_distributions import MIXTURES, POSTERIORS, PRIORS, Posteriors, Priors
from genjax_models.core.densities import Density, standard_normal
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Condition, Key, Likelihood, LossOutput, PyTree
from genjax_models.families.vae import (
    dreg_loss,
    importance_log_prob,
    impute,
    imq_kernel,
    info_vae_loss,
    iwae_loss,
    tc_vae_loss,
    vae_loss,
    wae_loss,
)
from genjax_models.training import Experiment, Inference, Player, make_optimizer
from genjax_models.training.names import pick
from genjax_models.training.settings import Section, Setting, at_least

TASKS: tuple[str, ...] = ("sample", "log_prob", "encode", "decode", "impute")
"""What it can do, see `experiments.run.tasks`; WAE has neither log_prob nor impute."""

FIELDS: Section = {
    **sections.experiment("experiments.vae"),
    **autoencoder.FIELDS,
    **autoencoder.NETWORKS,
    "objective": {
        "name": Setting("elbo", "elbo, iwae, dreg, total_correlation, info or wae"),
        "options": sections.options("of this objective"),
    },
    "beta": autoencoder.BETA,
    "posterior": {
        "name": Setting("gaussian", "gaussian, or iaf, which has the next three fields"),
        "depth": Setting(2, "flows", at_least(1)),
        "width": Setting(64, "of their networks", at_least(1)),
        "context": Setting(32, "numbers that the encoder hands to them", at_least(1)),
    },
    "prior": {
        "name": Setting("normal", "normal; vamp or autoregressive, mixtures; maf or real_nvp, flows"),
        "components": Setting(0, "of a mixture", at_least(0)),
        "depth": Setting(4, "of a flow", at_least(1)),
        "width": Setting(64, "of the networks of either", at_least(1)),
    },
    "impute": {"steps": Setting(200, "of the Markov chain that draws what is missing", at_least(1))},
}


def get_config() -> ConfigDict:
    """The evidence bound of bits, a normal posterior and the standard normal prior."""
    return autoencoder.unclipped(FIELDS)


LOSSES: dict[str, tuple[Callable[..., LossOutput], str]] = {
    "elbo": (vae_loss, "beta prior"),
    "iwae": (iwae_loss, "prior"),
    "dreg": (dreg_loss, "prior"),
    "total_correlation": (tc_vae_loss, "beta"),
    "info": (info_vae_loss, "prior kernel"),
    "wae": (wae_loss, "prior kernel"),
}
"""What `config.objective` may name, and what its function takes beside `config.objective.options`."""


def check(config: ConfigDict) -> None:
    """Refuse parts of a config that do not go together.

    Raises:
      UserError: if there are any.
    """
    name, posterior, prior = config.objective.name, config.posterior.name, config.prior.name
    loss, takes = LOSSES[name]
    vamp = prior == "vamp"
    if prior != "normal" and "prior" not in takes:
        raise UserError(f"config.objective.name={name} has the normal prior: leave config.prior at it")
    if posterior != "gaussian" and (vamp or name in ("total_correlation", "wae")):
        raise UserError("a VampPrior, the total correlation and WAE want config.posterior.name='gaussian'")
    if prior in MIXTURES and config.prior.components < 1:
        raise UserError(f"the prior {prior!r} mixes config.prior.components: set at least 1")
    given = dict.fromkeys(takes.split()) | dict(config.objective.options)
    try:
        inspect.signature(loss).bind(None, None, None, None, likelihood=None, **given)
    except TypeError as error:
        raise UserError(f"config.objective.options do not suit {name}: {error}") from None


class VAE(NamedTuple):
    """The networks of a config with its posteriors and priors."""

    pair: autoencoder.Pair
    posteriors: Posteriors
    priors: Priors

    def posterior(self, own: Variables, cond: Condition | None) -> Callable[[Array], Any]:
        """From data to q(z | x)."""
        encode = self.pair.encode(own, cond)
        return lambda x: self.posteriors.of(own.params, encode(x))

    def prior(self, own: Variables) -> Density | None:
        """p(z); `None` for the standard normal."""
        return self.priors.of(own.params, self.posterior(own, None))

    def both(self, own: Variables, cond: Condition | None) -> tuple[Callable[[Array], Any], Callable[[Array], Array]]:
        """Encoder, to posteriors, and decoder."""
        return self.posterior(own, cond), self.pair.decode(own, cond)


def sample_codes(vae: VAE, config: ConfigDict, key: Key, own: Variables, num: int) -> Array:
    """Draws from the prior, `[num, latent]`."""
    return (vae.prior(own) or standard_normal((config.latent,))).sample(key, num)


def imputer(
    config: ConfigDict, data: Data, observation: autoencoder.Observed, vae: VAE
) -> Callable[[Key, Inference, PyTree, Array], Array]:
    """`Experiment.impute`: a Markov chain from a draw of the model."""

    def fill(key: Key, model: Inference, batch: Mapping[str, Array], observed: Array) -> Array:
        key_x, key_prior, key_start, key_chain = jax.random.split(key, 4)
        x, own, cond = observation.preprocess(key_x, batch["x"]), trained(model), data.condition(batch)
        test = observation.test(own.params["log_std"])
        start = test.sample(
            key_start, vae.pair.decode(own, cond)(sample_codes(vae, config, key_prior, own, x.shape[0]))
        )
        options: dict[str, Any] = {"likelihood": test, "prior": vae.prior(own), "steps": config.impute.steps}
        found = impute(key_chain, *vae.both(own, cond), jnp.where(observed, x, start), observed, **options)
        return observation.to_image(found)

    return fill


def build(config: ConfigDict) -> Experiment:
    """Bind the config's networks to its objective.

    Raises:
      UserError: if a name is unknown, options do not suit the objective, or a network cannot be built.
    """
    posteriors = pick("posterior.name", config.posterior.name, POSTERIORS)(config)
    data = data_of(config)
    observation = autoencoder.observed(config, data.spec)
    pair = autoencoder.pair_of(config, data, observation, posteriors.features)
    loss, takes = pick("objective.name", config.objective.name, LOSSES)
    priors = pick("prior.name", config.prior.name, PRIORS)(config, data.spec)
    check(config)
    random = config.objective.name != "wae"  # whose codes are the posteriors' means

    vae = VAE(pair, posteriors, priors)
    posterior, prior, parts = vae.posterior, vae.prior, vae.both

    def initial(key: Key) -> tuple[dict[str, PyTree], PyTree]:
        key_pair, key_posterior, key_prior = jax.random.split(key, 3)
        params, collections = pair.init(key_pair)
        params = params | posteriors.init(key_posterior) | priors.init(key_prior)
        return {"model": params}, {"collections": collections}

    def objective(
        key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array], step: Array
    ) -> tuple[LossOutput, PyTree]:
        key_x, key_z = jax.random.split(key)
        x = autoencoder.training_data(config, observation, key_x, batch)
        own = Variables(params["model"], Collections(extra["collections"], train=True))
        given: dict[str, Any] = {
            "beta": autoencoder.warmed_up(config.beta.value, config.beta.warmup_steps, step),
            "prior": prior(own),
            "kernel": imq_kernel(config.latent),
        }
        options = {name: given[name] for name in takes.split()} | dict(config.objective.options)
        cond = data.condition(batch)
        encode = posterior(own, cond) if random else lambda x: posterior(own, cond)(x).mean
        likelihood = observation.train(own.params["log_std"])
        output = loss(key_z, encode, pair.decode(own, cond), x, likelihood=likelihood, **options)
        return output, {"collections": own.collections.latest}

    def bound(key: Key, own: Variables, x: Array, cond: Condition | None) -> LossOutput:
        test = observation.test(own.params["log_std"])
        return vae_loss(key, *parts(own, cond), x, likelihood=test, prior=prior(own))

    def validate(key: Key, model: Inference, batch: Mapping[str, Array]) -> dict[str, Array]:
        key_x, key_z = jax.random.split(key)
        x, own, cond = observation.preprocess(key_x, batch["x"]), trained(model), data.condition(batch)
        if random:
            value, terms = bound(key_z, own, x, cond)
            return {"loss": value - observation.log_volume} | dict(terms)
        raw = pair.decode(own, cond)(posterior(own, cond)(x).mean)
        return {"reconstruction": -observation.test(own.params["log_std"]).log_prob(raw, x)}

    def measure(key: Key, model: Inference, batch: Mapping[str, Array]) -> Likelihood:
        key_x, key_z = jax.random.split(key)
        x, own, cond = observation.preprocess(key_x, batch["x"]), trained(model), data.condition(batch)
        importance = lambda key, num: importance_log_prob(
            key,
            *parts(own, cond),
            x,
            likelihood=observation.test(own.params["log_std"]),
            prior=prior(own),
            num_samples=num,
        )
        bound_of = lambda key: -bound(key, own, x, cond).value
        return autoencoder.likelihood(config, observation, key_z, bound_of, importance)

    def draw(key: Key, model: Inference, num: int, cond: Condition | None) -> tuple[Array, Array]:
        own = trained(model)
        return pair.decode(own, cond)(sample_codes(vae, config, key, own, num)), own.params["log_std"]

    def encode(key: Key, model: Inference, batch: Mapping[str, Array]) -> Array:
        key_x, key_z = jax.random.split(key)
        x, own, cond = observation.preprocess(key_x, batch["x"]), trained(model), data.condition(batch)
        return posterior(own, cond)(x).sample(key_z)[0] if random else posterior(own, cond)(x).mean

    player = Player("model", objective, make_optimizer(config.train.optimizer, config.train.steps))
    return Experiment(
        spec=data.spec,
        init=initial,
        players=(player,),
        conditions=data.conditions,
        sample=autoencoder.sampler(config, data, observation, draw),
        log_prob=measure if random else None,
        validate=validate,
        encode=encode,
        decode=autoencoder.decoder(data, observation, pair),
        impute=imputer(config, data, observation, vae) if random else None,
    )
