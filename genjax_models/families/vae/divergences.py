r"""Autoencoders whose aggregate posterior is drawn to the prior by a maximum mean discrepancy.

$$\mathrm{MMD}^2(P, Q) = E\,k(x, x') + E\,k(y, y') - 2 E\,k(x, y), \qquad x, x' \sim P,\; y, y' \sim Q.$$

Its unbiased estimate from B draws of each (Gretton et al., lemma 6, as Tolstikhin et al. have it) is the mean over
$i$ of

$$\frac{1}{B - 1} \sum_{j \ne i} \left[k(x_i, x_j) + k(y_i, y_j)\right]
- \frac1B \sum_j \left[k(x_i, y_j) + k(x_j, y_i)\right],$$

which is how a term of a whole batch enters a loss `[B]` here: each example's share of it, none of meaning alone.

* WAE-MMD: reconstruction $+\,\lambda\,\mathrm{MMD}^2(q(z), p(z))$, with an encoder that need not be random;
* InfoVAE: reconstruction $+\,(1 - \alpha)\,KL + (\alpha + \lambda - 1)\,\mathrm{MMD}^2(q(z), p(z))$ (Zhao et al.).

References:
  Gretton et al., A Kernel Two-Sample Test, 2012
  Tolstikhin et al., Wasserstein Auto-Encoders, 2018, https://arxiv.org/abs/1711.01558
  Zhao et al., InfoVAE, 2017, https://arxiv.org/abs/1706.02262
"""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from genjax_models.core.densities import Density, standard_normal
from genjax_models.core.types import Array, Key, LossOutput
from genjax_models.families.vae.elbo import Decoder, divergence
from genjax_models.families.vae.likelihoods import ObservationModel
from genjax_models.families.vae.posteriors import Encoder

Kernel = Callable[[Array], Array]
"""Squared distances -> `k`, elementwise."""


def imq_kernel(dims: int, scales: Sequence[float] = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)) -> Kernel:
    r"""$\sum_s C_s / (C_s + \lVert x - y \rVert^2)$, $C_s = 2 D s$, for D dimensions of unit variance.

    That of WAE's authors. Its heavy tails reach codes that lie far outside of the prior.
    """
    return lambda squared: sum((2.0 * dims * s / (2.0 * dims * s + squared) for s in scales), jnp.zeros_like(squared))


def gaussian_kernel(bandwidth: float) -> Kernel:
    r"""$\exp(-\lVert x - y \rVert^2 / 2 h^2)$."""
    return lambda squared: jnp.exp(-0.5 * squared / bandwidth**2)


def squared_mmd(x: Array, y: Array, kernel: Kernel) -> Array:
    """The examples' shares of the unbiased estimate above.

    It is that of this batch, on one device: `shard_map`, `pmap` and accumulation hand over a part of the whole one.

    Args:
      x: `[B, D]`.
      y: `[B, D]`, as many.
      kernel: of squared distances.

    Returns:
      `[B]`, whose mean is the estimate: negative about half of the time where the distributions agree.

    Raises:
      ValueError: if the shapes differ, or there are fewer than 2 of each.
    """
    if x.shape != y.shape or x.ndim != 2 or x.shape[0] < 2:
        raise ValueError(f"expected two sets [B, D] of the same shape with B >= 2, got {x.shape} and {y.shape}")
    count = x.shape[0]
    off_diagonal = 1.0 - jnp.eye(count, dtype=x.dtype)
    within = off_diagonal * (kernel(_squared_distances(x, x)) + kernel(_squared_distances(y, y)))
    across = kernel(_squared_distances(x, y))
    return within.sum(axis=1) / (count - 1) - (across.sum(axis=1) + across.sum(axis=0)) / count


def wae_loss(
    key: Key,
    encode: Callable[[Array], Array],
    decode: Decoder,
    x: Array,
    *,
    likelihood: ObservationModel,
    weight: float,
    kernel: Kernel,
    prior: Density | None = None,
) -> LossOutput:
    """WAE-MMD.

    Args:
      key: one typed PRNG key, consumed by the draws of the prior.
      encode: `x -> z [B, D]`, already bound to its parameters.
      decode: `z -> raw`, likewise.
      x: data, `[B, ...]`, as `likelihood` takes it.
      likelihood: its negative log-probability is the cost; the paper's squared error is that of
        `gaussian(-0.5 * log(2))`, but for a constant.
      weight: lambda; the paper's is 10 for MNIST, 100 for CelebA, beside a cost that is a sum over pixels.
      kernel: of squared distances.
      prior: of the latent variables; None is the standard normal.

    Returns:
      `LossOutput` with `value` `[B]`, and in `aux` `reconstruction`, nats, and `mmd`, the shares of a batch's estimate.
    """
    z = encode(x)
    reconstruction = -likelihood.log_prob(decode(z), x)
    mmd = squared_mmd(z, _draw_prior(key, z, prior), kernel)
    return LossOutput(reconstruction + weight * mmd, {"reconstruction": reconstruction, "mmd": mmd})


def info_vae_loss(
    key: Key,
    encode: Encoder,
    decode: Decoder,
    x: Array,
    *,
    likelihood: ObservationModel,
    alpha: float,
    weight: float,
    kernel: Kernel,
    prior: Density | None = None,
) -> LossOutput:
    r"""InfoVAE with the maximum mean discrepancy: `alpha` 0 and `weight` 1 is the ELBO, `alpha` 1 the MMD-VAE.

    Args:
      key: one typed PRNG key, consumed.
      encode: `x -> Posterior` of `[B, D]`, already bound to its parameters.
      decode: `z -> raw`, likewise.
      x: data, `[B, ...]`, as `likelihood` takes it.
      likelihood: what the raw output means.
      alpha: how much of the mutual information is given back.
      weight: $\lambda$.
      kernel: of squared distances.
      prior: of the latent variables; None is the standard normal.

    Returns:
      `LossOutput` with `value` `[B]`, and in `aux` `reconstruction` and `kl`, nats, and `mmd`, as in `wae_loss`.
    """
    key_z, key_prior = jax.random.split(key)
    posterior = encode(x)
    z, log_q = posterior.sample(key_z)
    reconstruction = -likelihood.log_prob(decode(z), x)
    kl = divergence(posterior, z, log_q, prior).sum(axis=-1)
    mmd = squared_mmd(z, _draw_prior(key_prior, z, prior), kernel)
    value = reconstruction + (1.0 - alpha) * kl + (alpha + weight - 1.0) * mmd
    return LossOutput(value, {"reconstruction": reconstruction, "kl": kl, "mmd": mmd})


def _draw_prior(key: Key, z: Array, prior: Density | None) -> Array:
    return (prior or standard_normal(z.shape[1:])).sample(key, z.shape[0]).astype(z.dtype)


def _squared_distances(x: Array, y: Array) -> Array:
    """Of every pair, `[M, D]` and `[N, D]` -> `[M, N]`, by differences, so that the short ones keep their digits."""
    return ((x[:, None] - y[None]) ** 2).sum(axis=-1)
