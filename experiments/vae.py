"""Variational autoencoders of one vector of latent variables, on any of the objectives that need no discriminator."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import jax
from ml_collections import ConfigDict

from experiments import autoencoder
from genjax_models.core.densities import Density, standard_normal
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key, Likelihood, LossOutput, PyTree
from genjax_models.families.vae import (
    Decoder,
    Encoder,
    GaussianPosterior,
    dreg_loss,
    gaussian_posterior,
    importance_log_prob,
    imq_kernel,
    info_vae_loss,
    iwae_loss,
    tc_vae_loss,
    vae_loss,
    vamp_prior,
    wae_loss,
)
from genjax_models.training import Experiment, Player, make_optimizer
from genjax_models.training.names import pick


def get_config() -> ConfigDict:
    """The evidence bound of bits, a normal posterior and the standard normal prior."""
    config = autoencoder.default_config()
    config.experiment = "experiments.vae"
    config.encoder = ConfigDict({"name": "genjax_models.nets.Perceptron"})
    config.decoder = ConfigDict({"name": "genjax_models.nets.Perceptron"})
    config.latent = 10
    config.objective = {"name": "elbo", "options": ConfigDict()}  # see `LOSSES`
    config.beta = {"value": 1.0, "warmup_steps": 0}  # of `elbo`, and of the total correlation
    config.prior = {"name": "normal", "components": 0}  # or `vamp`, of so many pseudo-inputs
    return config


LOSSES: dict[str, tuple[Callable[..., LossOutput], str]] = {
    "elbo": (vae_loss, "beta prior"),
    "iwae": (iwae_loss, "prior"),
    "dreg": (dreg_loss, "prior"),
    "total_correlation": (tc_vae_loss, "beta"),
    "info": (info_vae_loss, "prior kernel"),
    "wae": (wae_loss, "prior kernel"),
}
"""What `config.objective` may name, and what its function takes beside `config.objective.options`."""


def build(config: ConfigDict) -> Experiment:
    """Bind the config's networks to its objective.

    Raises:
      UserError: if a name is unknown, options do not suit the objective, or a network cannot be built.
    """
    law, pair, shape = autoencoder.observed(config), autoencoder.pair_of(config, 2 * config.latent), config.data.shape
    loss, takes = pick("objective.name", config.objective.name, LOSSES)
    vamp = pick("prior.name", config.prior.name, {"normal": False, "vamp": True})
    if vamp and "prior" not in takes:
        raise UserError(f"config.objective.name={config.objective.name} has the normal prior: leave config.prior at it")
    try:
        inspect.signature(loss).bind_partial(**config.objective.options)
    except TypeError as error:
        raise UserError(f"config.objective.options do not suit {config.objective.name}: {error}") from None
    random = config.objective.name != "wae"  # whose codes are the posteriors' means

    def posterior(params: PyTree, label: Array | None) -> Callable[[Array], GaussianPosterior]:
        encode = pair.encode(params, label)
        return lambda x: gaussian_posterior(encode(x))

    def prior(params: PyTree) -> Density | None:
        if not vamp:
            return None
        pseudo = jax.nn.sigmoid(params["pseudo_inputs"])
        return vamp_prior(posterior(params, None), pseudo if law.form == "bits" else 2.0 * pseudo - 1.0)

    def parts(params: PyTree, label: Array) -> tuple[Encoder, Decoder]:
        return posterior(params, label), pair.decode(params, label)

    def initial(key: Key) -> tuple[dict[str, PyTree], PyTree]:
        key_pair, key_pseudo = jax.random.split(key)
        own = pair.init(key_pair)
        if vamp:
            own["pseudo_inputs"] = jax.random.normal(key_pseudo, (config.prior.components, *shape))
        return {"model": own}, {}

    def objective(
        key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array], step: Array
    ) -> tuple[LossOutput, PyTree]:
        key_x, key_z = jax.random.split(key)
        x, own = autoencoder.images_of(config, key_x, batch), params["model"]
        given: dict[str, Any] = {
            "beta": autoencoder.warmed_up(config.beta.value, config.beta.warmup_steps, step),
            "prior": prior(own),
            "kernel": imq_kernel(config.latent),
        }
        options = {name: given[name] for name in takes.split()} | dict(config.objective.options)
        encode, decode = posterior(own, batch["label"]), pair.decode(own, batch["label"])
        read = encode if random else lambda x: encode(x).mean
        return loss(key_z, read, decode, x, likelihood=law.train(own["log_std"]), **options), extra

    def bound(key: Key, params: PyTree, x: Array, label: Array) -> LossOutput:
        return vae_loss(key, *parts(params, label), x, likelihood=law.test(params["log_std"]), prior=prior(params))

    def validate(key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Mapping[str, Array]) -> dict[str, Array]:
        key_x, key_z = jax.random.split(key)
        x, own, label = law.read(key_x, batch["x"]), params["model"], batch["label"]
        if random:
            output = bound(key_z, own, x, label)
            return {"loss": output.value} | dict(output.aux)
        raw = pair.decode(own, label)(posterior(own, label)(x).mean)
        return {"reconstruction": -law.test(own["log_std"]).log_prob(raw, x)}

    def measure(key: Key, params: Mapping[str, PyTree], batch: Mapping[str, Array]) -> Likelihood:
        key_x, key_z = jax.random.split(key)
        x, own, label = law.read(key_x, batch["x"]), params["model"], batch["label"]
        importance = lambda key, num: importance_log_prob(
            key,
            *parts(own, label),
            x,
            likelihood=law.test(own["log_std"]),
            prior=prior(own),
            num_samples=num,
        )
        return autoencoder.likelihood(config, key_z, lambda key: -bound(key, own, x, label).value, importance)

    def draw(key: Key, params: Mapping[str, PyTree], num: int, label: Array | None) -> tuple[Array, Array]:
        own = params["model"]
        z = (prior(own) or standard_normal((config.latent,))).sample(key, num)
        return pair.decode(own, label)(z), own["log_std"]

    def encode(key: Key, params: Mapping[str, PyTree], batch: Mapping[str, Array]) -> Array:
        key_x, key_z = jax.random.split(key)
        q = posterior(params["model"], batch["label"])(law.read(key_x, batch["x"]))
        return q.sample(key_z)[0] if random else q.mean

    player = Player("model", objective, make_optimizer(config.train.optimizer, config.train.steps))
    return Experiment(
        init=initial,
        players=(player,),
        sample=autoencoder.sampler(config, draw),
        log_prob=measure if random else None,
        validate=validate,
        encode=encode,
        decode=autoencoder.decoder(config, pair),
    )
