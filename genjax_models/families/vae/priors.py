r"""Priors that are learned: mixtures, flows, autoregressive ones, each a `Density` bound to its parameters.

The VampPrior is the mixture of the posteriors of K pseudo-inputs, which are parameters (Tomczak and Welling, eq. 9):

$$p(z) = \frac1K \sum_{k=1}^K q(z \mid u_k).$$

An autoregressive prior is a mixture of normals of each variable given those before it (Uria et al., eq. 4),

$$p(z) = \prod_{i=1}^D \sum_{k=1}^K \pi_k(z_{<i})\, N\big(z_i;\ \mu_k(z_{<i}),\ \sigma_k^2(z_{<i})\big),$$

whose density costs one evaluation of a masked network and whose draws cost D. With K = 1 it is a layer of a masked
autoregressive flow: the autoregressive flow prior of Chen et al. is `flow_prior` of a chain of those.

References:
  Uria et al., RNADE: The Real-valued Neural Autoregressive Density-estimator, 2013, https://arxiv.org/abs/1306.0186
  Chen et al., Variational Lossy Autoencoder, 2017, section 3.2, https://arxiv.org/abs/1611.02731
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
    """The distribution of a flow's data, for a flow from the latent variables of a VAE to `base`."""
    return Density(
        lambda key, n: bijection.sample(key, flow, base, params, n),
        partial(bijection.log_prob, flow, base, params),
    )


def autoregressive_prior(network: Callable[[Array], Array], dims: int) -> Density:
    """Mixtures of K normals, of each of D = `dims` variables given those before it.

    Args:
      network: `z [B, D] -> [B, D, 3 K]`, the logits, means and log-stds of each variable's mixture as functions of the
        variables before it alone, a MADE bound to its parameters. Zeros are the standard normal, with all components
        alike: to become different they need a small random initialisation.
      dims: D.
    """

    def log_prob(z: Array) -> Array:
        logits, mean, log_std = jnp.split(network(z), 3, axis=-1)
        parts = jax.nn.log_softmax(logits) + jax.scipy.stats.norm.logpdf(z[..., None], mean, jnp.exp(log_std))
        return jax.nn.logsumexp(parts, axis=-1).sum(axis=-1)

    def sample(key: Key, n: int) -> Array:
        def draw(z: Array, turn: tuple[Array, Key]) -> tuple[Array, None]:
            i, own = turn
            key_k, key_z = jax.random.split(own)
            logits, mean, log_std = jnp.split(network(z)[:, i], 3, axis=-1)
            chosen = jax.random.categorical(key_k, logits)[:, None]
            mean, log_std = (jnp.take_along_axis(table, chosen, axis=1)[:, 0] for table in (mean, log_std))
            return z.at[:, i].set(mean + jnp.exp(log_std) * jax.random.normal(key_z, (n,))), None

        return jax.lax.scan(draw, jnp.zeros((n, dims)), (jnp.arange(dims), jax.random.split(key, dims)))[0]

    return Density(sample, log_prob)
