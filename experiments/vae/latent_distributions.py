"""The distributions of a vector of latent variables that a config may name: posteriors given the data, and priors."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from experiments.config.layer_networks import conditioner
from experiments.vae import autoencoder
from genjax_models.core.densities import Density, standard_normal
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key, PyTree
from genjax_models.data.spec import DataSpec
from genjax_models.families.flows import Bijection, MakeConditioner, coupling_flow, invert, maf
from genjax_models.families.flows.elementwise import AFFINE
from genjax_models.families.vae import (
    FlowPosterior,
    Posterior,
    autoregressive_prior,
    flow_prior,
    gaussian_posterior,
    vamp_prior,
)
from genjax_models.nets import MADE, MLP

APART = 0.01
"""Standard deviation of the first weights behind components of a mixture, which zeros would keep alike."""


class Posteriors(NamedTuple):
    """How the encoder's output becomes a posterior.

    Attributes:
      features: of that output.
      init: `key -> params` beside those of the networks.
      of: `(params, raw [B, features]) -> Posterior`.
    """

    features: int
    init: Callable[[Key], dict[str, PyTree]]
    of: Callable[[PyTree, Array], Posterior]


def normal_posteriors(config: ConfigDict) -> Posteriors:
    """Independent normals."""
    return Posteriors(2 * config.latent, lambda key: {}, lambda params, raw: gaussian_posterior(raw))


def autoregressive_posteriors(config: ConfigDict) -> Posteriors:
    """Inverse autoregressive flows from normals; the encoder gives their networks a context."""
    latent, context = config.latent, config.posterior.context
    flow = invert(maf(_masked(config.posterior.width), config.posterior.depth))

    def init(key: Key) -> dict[str, PyTree]:
        return {"flow": flow.init(key, jnp.zeros((1, latent)), {"context": jnp.zeros((1, context))})}

    def of(params: PyTree, raw: Array) -> Posterior:
        start, cond = gaussian_posterior(raw[:, : 2 * latent]), {"context": raw[:, 2 * latent :]}
        return FlowPosterior(start, params["flow"], flow, cond)

    return Posteriors(2 * latent + context, init, of)


class Priors(NamedTuple):
    """The prior of the latent variables.

    Attributes:
      init: `key -> params` beside those of the networks.
      of: `(params, encode) -> Density`, or `None` for the standard normal, whose divergences have closed forms;
        `encode` makes posteriors of pseudo-inputs.
    """

    init: Callable[[Key], dict[str, PyTree]]
    of: Callable[[PyTree, Callable[[Array], Any]], Density | None]


def normal_prior(config: ConfigDict, spec: DataSpec) -> Priors:
    """The standard normal."""
    return Priors(lambda key: {}, lambda params, encode: None)


def vamp_priors(config: ConfigDict, spec: DataSpec) -> Priors:
    """Posteriors of as many pseudo-inputs as there are components, in the range of the images, mixed evenly."""
    shape = (config.prior.components, *spec.shape)
    low = 0.0 if autoencoder.observed(config, spec).form == "bits" else -1.0

    def of(params: PyTree, encode: Callable[[Array], Any]) -> Density:
        return vamp_prior(encode, low + (1.0 - low) * jax.nn.sigmoid(params["pseudo_inputs"]))

    return Priors(lambda key: {"pseudo_inputs": jax.random.normal(key, shape)}, of)


def flow_priors(make: Callable[[ConfigDict], Bijection]) -> Callable[[ConfigDict, DataSpec], Priors]:
    """A flow to the standard normal, which it starts as."""

    def priors(config: ConfigDict, spec: DataSpec) -> Priors:
        try:
            flow = make(config)
        except ValueError as error:
            raise UserError(f"config.prior {config.prior.name!r} does not suit config.latent: {error}") from None
        base = standard_normal((config.latent,))
        white = jnp.ones((2, config.latent)) * jnp.array([[1.0], [-1.0]])  # on which normalisation is the identity
        return Priors(
            lambda key: {"prior": flow.init(key, white, None)},
            lambda params, encode: flow_prior(flow, base, params["prior"]),
        )

    return priors


def autoregressive_priors(config: ConfigDict, spec: DataSpec) -> Priors:
    """Of each latent variable a mixture of `config.prior.components` normals given those before it."""
    latent = config.latent
    net = _masked(config.prior.width, out_std=APART)(3 * config.prior.components)
    return Priors(
        lambda key: {"prior": net.init(key, jnp.zeros((1, latent)), None)},
        lambda params, encode: autoregressive_prior(lambda z: net.apply(params["prior"], z, None), latent),
    )


def _masked(width: int, out_std: float = 0.0) -> MakeConditioner:
    return lambda channels: conditioner(MADE(out_channels=channels, width=width, out_std=out_std))


def _autoregressive_flow(config: ConfigDict) -> Bijection:
    return maf(_masked(config.prior.width), config.prior.depth)


def _couplings(config: ConfigDict) -> Bijection:
    network = lambda channels: conditioner(MLP(out_channels=channels, width=config.prior.width, depth=1))
    return coupling_flow(AFFINE, network, features=config.latent, depth=config.prior.depth)


POSTERIORS = {"gaussian": normal_posteriors, "iaf": autoregressive_posteriors}
PRIORS: dict[str, Callable[[ConfigDict, DataSpec], Priors]] = {
    "normal": normal_prior,
    "vamp": vamp_priors,
    "maf": flow_priors(_autoregressive_flow),
    "real_nvp": flow_priors(_couplings),
    "autoregressive": autoregressive_priors,
}
MIXTURES = ("vamp", "autoregressive")
"""Priors that need `config.prior.components`."""
