r"""Approximate posteriors: the distribution $q(z \mid x)$ of the latent variables, one for every example.

A posterior is a tree of arrays with three functions, so `jax.lax.stop_gradient(posterior)` is the same distribution
with its parameters held fixed, which estimators of the gradient need. The losses take an encoder as `x -> Posterior`.

Normal with a diagonal covariance (Kingma and Welling, app. B), of each latent variable in closed form:

$$KL = \tfrac12 \left(\mu^2 + \sigma^2 - 1\right) - \log \sigma.$$

A flow on top of it, $z = f^{-1}(z_0)$, has $\log q(z) = \log q_0(z_0) - \log|\det \partial z/\partial z_0|$. Our
bijections run forward from where the density is wanted, here $z$, to the base: a draw is the *inverse*. So a posterior
of the inverse autoregressive kind is `invert` of the masked autoregressive layer, and that of Rezende and Mohamed
`invert` of a planar one, and drawing from them costs one evaluation.

References:
  Kingma and Welling, Auto-Encoding Variational Bayes, 2014, https://arxiv.org/abs/1312.6114
  Rezende and Mohamed, Variational Inference with Normalizing Flows, 2015, https://arxiv.org/abs/1505.05770
  Kingma et al., Improving Variational Inference with Inverse Autoregressive Flow, 2016, https://arxiv.org/abs/1606.04934
"""

from collections.abc import Callable
from typing import Protocol

import jax
import jax.numpy as jnp
from flax import struct

from genjax_models.core.arrays import sum_over_data
from genjax_models.core.likelihood import normal_kl
from genjax_models.core.types import Array, Key, PyTree
from genjax_models.families.flows.bijection import Bijection


class Posterior(Protocol):
    """Distributions of the latent variables, one per example; a tree of arrays."""

    def sample(self, key: Key) -> tuple[Array, Array]:
        """One draw of each, `z [B, ...]`, with its `log q(z | x) [B]`; both carry gradients to the parameters."""

    def log_prob(self, z: Array) -> Array:
        """`log q(z | x)` of `z [B, ...]`: `[B]`, nats."""

    def kl(self) -> Array | None:
        """The divergence from the standard normal, of each latent variable `[B, ...]`; None without a closed form."""


Encoder = Callable[[Array], Posterior]
"""`x [B, ...] -> Posterior`, bound to its parameters and its condition."""


@struct.dataclass
class GaussianPosterior:
    """Independent normals.

    Attributes:
      mean: `[B, ...]`.
      log_std: `[B, ...]`.
    """

    mean: Array
    log_std: Array

    def sample(self, key: Key) -> tuple[Array, Array]:
        eps = jax.random.normal(key, self.mean.shape, self.mean.dtype)
        log_q = sum_over_data(jax.scipy.stats.norm.logpdf(eps) - self.log_std)
        return self.mean + jnp.exp(self.log_std) * eps, log_q

    def log_prob(self, z: Array) -> Array:
        return sum_over_data(jax.scipy.stats.norm.logpdf(z, self.mean, jnp.exp(self.log_std)))

    def kl(self) -> Array:
        zero = jnp.zeros_like(self.mean)
        return normal_kl(self.mean, 2.0 * self.log_std, zero, zero)

    def pairwise_log_prob(self, z: Array) -> Array:
        """Every one of `z [M, ...]` under every example's posterior: `[M, B, ...]` nats, of each latent variable."""
        return jax.scipy.stats.norm.logpdf(z[:, None], self.mean[None], jnp.exp(self.log_std)[None])


@struct.dataclass
class FlowPosterior:
    """A flow applied to the draws of another posterior.

    Attributes:
      start: the distribution of $z_0$.
      params: of the flow.
      flow: from $z$ to $z_0$; its inverse is used for sampling, its forward for `log_prob`.
      cond: what the flow is conditioned on, a tree with `[B, ...]` leaves: a context from the encoder, or None.
    """

    start: GaussianPosterior
    params: PyTree
    flow: Bijection = struct.field(pytree_node=False)
    cond: PyTree = None

    def sample(self, key: Key) -> tuple[Array, Array]:
        z0, log_q = self.start.sample(key)
        z, log_det = self.flow.inverse_and_log_det(self.params, z0, self.cond)
        return z, log_q - log_det

    def log_prob(self, z: Array) -> Array:
        z0, log_det = self.flow.forward_and_log_det(self.params, z, self.cond)
        return self.start.log_prob(z0) + log_det

    def kl(self) -> None:
        return None


def gaussian_posterior(raw: Array) -> GaussianPosterior:
    """The posterior that a network's output `[B, ..., 2C]` means: means first, then log-stds."""
    return GaussianPosterior(*jnp.split(raw, 2, axis=-1))
