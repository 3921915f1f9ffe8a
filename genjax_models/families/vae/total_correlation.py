r"""$\beta$-TC-VAE: the divergence from the prior in three parts, of which the second is what disentangling penalises.

With the aggregate posterior $q(z) = E_x q(z \mid x)$ (Chen et al., eq. 2),

$$E_x KL(q(z \mid x) \Vert p(z)) = \underbrace{I(x; z)}_{\text{mutual information}}
+ \underbrace{KL(q(z) \Vert \textstyle\prod_j q(z_j))}_{\text{total correlation}}
+ \underbrace{\textstyle\sum_j KL(q(z_j) \Vert p(z_j))}_{\text{dimension-wise}}.$$

Each part is the mean over examples of a difference of log-densities at a draw, so each keeps its `[B]`: that of example
$i$ is at its own draw, while $q(z_i) \approx \sum_j W_{ij}\,q(z_i \mid x_j)$ looks at the whole batch. Their sum is
$\log q(z_i \mid x_i) - \log p(z_i)$ whatever $W$ is. For N data in a batch of M the rows of $W$ are

* minibatch-weighted: $1/(NM)$ each, a lower bound on average;
* stratified: $1/N$ for the example itself, $(N - M')/(N M')$ for one other and $1/M'$ for the rest, with $M' = M - 1$:
  unbiased for $q(z)$;
* of a whole set: $1/M$ each, the aggregate of these data.

References:
  Chen et al., Isolating Sources of Disentanglement in VAEs, 2018, https://arxiv.org/abs/1802.04942
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from genjax_models.core.types import Array, Key, LossOutput
from genjax_models.families.vae.elbo import Decoder
from genjax_models.families.vae.likelihoods import ObservationModel
from genjax_models.families.vae.posteriors import GaussianPosterior


class Decomposition(NamedTuple):
    """The three parts of the divergence, `[B]` nats each: only their means are of meaning."""

    mutual_information: Array
    total_correlation: Array
    dimension_wise_kl: Array


def minibatch_weighted(batch: int, num_data: int) -> np.ndarray:
    """`log W` `[M, M]` of the first kind above, for M of N data.

    M is this batch, on one device: `shard_map`, `pmap` and accumulation hand over a part of the whole one.
    """
    return np.full((batch, batch), -np.log(num_data * batch))


def minibatch_stratified(batch: int, num_data: int) -> np.ndarray:
    """`log W` `[M, M]` of the second kind above; examples of a batch must differ.

    Raises:
      ValueError: if the batch is smaller than 2 or larger than the data.
    """
    if not 2 <= batch <= num_data:
        raise ValueError(f"stratified weights need a batch of 2 to all {num_data} data, got {batch}")
    others = batch - 1
    row = np.full(batch, 1.0 / others)
    row[0], row[1] = 1.0 / num_data, (num_data - others) / (num_data * others)
    return np.log(np.stack([np.roll(row, i) for i in range(batch)]))


def whole_set(batch: int) -> np.ndarray:
    """`log W` `[M, M]` of the third kind above."""
    return np.full((batch, batch), -np.log(batch))


def decompose(posterior: GaussianPosterior, z: Array, log_weights: Array | np.ndarray) -> Decomposition:
    """The parts of the divergence from the standard normal.

    Args:
      posterior: of M examples, `[M, D]`; memory grows as M² D.
      z: one draw of each, `[M, D]`.
      log_weights: `log W`, `[M, M]`.
    """
    log_weights = jnp.asarray(log_weights, z.dtype)
    pairs = posterior.pairwise_log_prob(z)
    log_q = posterior.log_prob(z)
    log_aggregate = jax.nn.logsumexp(log_weights + pairs.sum(axis=-1), axis=1)
    log_marginals = jax.nn.logsumexp(log_weights[..., None] + pairs, axis=1).sum(axis=-1)
    log_p = jax.scipy.stats.norm.logpdf(z).sum(axis=-1)
    return Decomposition(log_q - log_aggregate, log_aggregate - log_marginals, log_marginals - log_p)


def tc_vae_loss(
    key: Key,
    encode: Callable[[Array], GaussianPosterior],
    decode: Decoder,
    x: Array,
    *,
    likelihood: ObservationModel,
    num_data: int,
    alpha: float = 1.0,
    beta: Array | float = 6.0,
    gamma: float = 1.0,
    weights: Callable[[int, int], np.ndarray] = minibatch_weighted,
) -> LossOutput:
    r"""Reconstruction $+\,\alpha$ information $+\,\beta$ total correlation $+\,\gamma$ dimension-wise (eq. 4).

    Args:
      key: one typed PRNG key, consumed.
      encode: `x -> GaussianPosterior` of `[B, D]`, already bound to its parameters.
      decode: `z -> raw`, likewise.
      x: data, `[B, ...]`, as `likelihood` takes it.
      likelihood: what the raw output means.
      num_data: N, the size of the training set.
      alpha: weight of the mutual information.
      beta: weight of the total correlation; with all three weights 1 this is `vae_loss` at a draw.
      gamma: weight of the dimension-wise divergence.
      weights: `(batch, num_data) -> log W`, see above.

    Returns:
      `LossOutput` with `value` `[B]` nats, coupled through the batch, and in `aux` `reconstruction` and the parts.
    """
    posterior = encode(x)
    z, _ = posterior.sample(key)
    reconstruction = -likelihood.log_prob(decode(z), x)
    parts = decompose(posterior, z, weights(x.shape[0], num_data))
    value = reconstruction + alpha * parts[0] + beta * parts[1] + gamma * parts[2]
    return LossOutput(value, {"reconstruction": reconstruction, **parts._asdict()})


beta_tc_vae_loss = tc_vae_loss
"""By the name of its paper; the defaults are the paper's, beta = 6 and minibatch-weighted sampling."""
