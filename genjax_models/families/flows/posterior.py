r"""Variational posteriors that a flow makes of an encoder's normal.

$$z_0 = \mu(x) + \sigma(x)\,\epsilon, \qquad z = f^{-1}(z_0), \qquad
\log q(z \mid x) = \log N(z_0; \mu, \sigma^2) - \log\left|\det \frac{\partial f^{-1}}{\partial z_0}\right|$$

As in every flow of this room, forward is towards the normal and sampling goes inverse: `invert(autoregressive(…))`,
`invert(planar())` and `invert(sylvester(…))` sample without iteration, and are the flows of the papers.

References:
  Rezende and Mohamed, Variational Inference with Normalizing Flows, 2015, https://arxiv.org/abs/1505.05770
  Kingma et al., Improving Variational Inference with Inverse Autoregressive Flow, 2016, https://arxiv.org/abs/1606.04934
"""

import jax
import jax.numpy as jnp

from genjax_models.core.arrays import sum_over_data
from genjax_models.core.types import Array, Key, PyTree
from genjax_models.families.flows.bijection import Bijection


def sample_posterior(
    key: Key, mean: Array, log_std: Array, flow: Bijection, params: PyTree, cond: PyTree = None
) -> tuple[Array, Array]:
    """One sample of each example's posterior, differentiable in everything, and its log-density.

    Args:
      key: one typed key, consumed.
      mean: of the normal, `[B, ...]`.
      log_std: of the normal, `[B, ...]`.
      flow: from z to the normal variable.
      params: of the flow; some layers take an encoder's, with a batch in front (see `amortized`).
      cond: what the flow is conditioned on, such as an encoder's context.

    Returns:
      `(z [B, ...], log q(z | x) [B])`, nats.
    """
    eps = jax.random.normal(key, mean.shape, mean.dtype)
    z, log_det = flow.inverse_and_log_det(params, mean + jnp.exp(log_std) * eps, cond)
    return z, sum_over_data(jax.scipy.stats.norm.logpdf(eps) - log_std) - log_det
