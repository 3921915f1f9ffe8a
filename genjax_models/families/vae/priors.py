r"""Priors that are learned: mixtures and flows, each a `Density` bound to its parameters.

The VampPrior is the mixture of the posteriors of K pseudo-inputs, which are parameters (Tomczak and Welling, eq. 9):

$$p(z) = \frac1K \sum_{k=1}^K q(z \mid u_k).$$

References:
  Tomczak and Welling, VAE with a VampPrior, 2018, https://arxiv.org/abs/1705.07120
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from genjax_models.core.densities import Density
from genjax_models.core.types import Array, Key, PyTree
from genjax_models.families.flows import bijection
from genjax_models.families.vae.posteriors import GaussianPosterior


def gaussian_mixture(components: GaussianPosterior, logits: Array | None = None) -> Density:
    """A mixture of K normals with diagonal covariances.

    Args:
      components: their means and log-stds, `[K, ...]`.
      logits: their log-weights but for a constant, `[K]`; None weighs all alike.
    """
    count = components.mean.shape[0]
    log_weights = jnp.full(count, -np.log(count)) if logits is None else jax.nn.log_softmax(logits)

    def sample(key: Key, n: int) -> Array:
        key_k, key_z = jax.random.split(key)
        chosen = jax.random.categorical(key_k, log_weights, shape=(n,))
        return GaussianPosterior(components.mean[chosen], components.log_std[chosen]).sample(key_z)[0]

    def log_prob(z: Array) -> Array:
        pairs = components.pairwise_log_prob(z)
        return jax.nn.logsumexp(pairs.reshape(*pairs.shape[:2], -1).sum(axis=-1) + log_weights[None], axis=1)

    return Density(sample, log_prob)


def vamp_prior(
    encode: Callable[[Array], GaussianPosterior], pseudo_inputs: Array, logits: Array | None = None
) -> Density:
    """The VampPrior of an encoder, bound to its parameters, and `pseudo_inputs` `[K, ...]` on the scale of the data."""
    return gaussian_mixture(encode(pseudo_inputs), logits)


def flow_prior(flow: bijection.Bijection, base: Density, params: PyTree) -> Density:
    """The law of a flow's data, for a flow that runs from the latent variables of a VAE to `base`."""
    return Density(
        lambda key, n: bijection.sample(key, flow, base, params, n),
        partial(bijection.log_prob, flow, base, params),
    )
