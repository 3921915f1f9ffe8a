r"""The loss of a flow that is fitted to a density instead of to data.

$$KL(q\,\Vert\,p) = E_{z \sim p_z}\left[\log q(x) - \log p(x)\right], \qquad x = f^{-1}(z)$$

up to the constant that $p$ may lack. Data need no loss of their own: it is `-log_prob`.

References:
  Rezende and Mohamed, Variational Inference with Normalizing Flows, 2015, https://arxiv.org/abs/1505.05770
"""

from collections.abc import Callable

from genjax_models.core.densities import Density
from genjax_models.core.types import Array, Key, LossOutput, PyTree
from genjax_models.families.flows.bijection import Bijection


def reverse_kl(
    key: Key, flow: Bijection, base: Density, params: PyTree, target: Callable[[Array], Array], num: int
) -> LossOutput:
    """`num` draws of the divergence from a target density.

    Args:
      key: one typed PRNG key, consumed.
      flow: from data to latent; its inverse is what runs.
      base: the density of the latent variables.
      params: of the flow.
      target: `x [B, ...] -> [B]`, the logarithm of the density up to a constant.
      num: draws.

    Returns:
      `LossOutput` with `value` `[num]`, nats, and in `aux` its terms, `entropy` of q and `energy`, minus log p.
    """
    z = base.sample(key, num)
    x, log_det = flow.inverse_and_log_det(params, z, None)
    entropy, energy = log_det - base.log_prob(z), -target(x)
    return LossOutput(energy - entropy, {"entropy": entropy, "energy": energy})
