r"""Latent variables in groups, drawn from the top down: ladder VAEs, very deep VAEs and their like.

$$p(x, z) = p(x \mid z) \prod_{i=1}^{G} p(z_i \mid z_{<i}), \qquad
q(z \mid x) = \prod_{i=1}^{G} q(z_i \mid z_{<i}, x),$$
$$\log p(x) \ge E_q\left[\log p(x \mid z) - \sum_i
KL(q(z_i \mid z_{<i}, x)\,\Vert\,p(z_i \mid z_{<i}))\right].$$

Every conditional is a diagonal normal, so each divergence is exact given the groups above it. A state
$h$, of any kind, summarises $z_{<i}$: a group takes it and adds its z to it for the next group.

The ladder VAE's posterior combines the encoder's estimate with the prior, each weighted by its precision,

$$\sigma^{-2} = \hat\sigma^{-2} + \sigma_p^{-2}, \qquad
\mu = \sigma^2 (\hat\mu\,\hat\sigma^{-2} + \mu_p\,\sigma_p^{-2})$$

(Sønderby et al., eqs. 17 and 18): the product of the two normals.

References:
  Sønderby et al., Ladder Variational Autoencoders, 2016, https://arxiv.org/abs/1602.02282
  Child, Very Deep VAEs Generalize Autoregressive Models, 2021, https://arxiv.org/abs/2011.10650
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp

from genjax_models.core.arrays import sum_over_data
from genjax_models.core.checks import check_count
from genjax_models.core.likelihood import importance, normal_kl
from genjax_models.core.types import Array, Key, Likelihood, LossOutput, PyTree
from genjax_models.families.vae.posteriors import GaussianPosterior


class Group(NamedTuple):
    """One group of latent variables, bound to parameters; `posterior` also to the data.

    Attributes:
      prior: `h -> (p, h)`, the normals and the state for `merge`.
      posterior: `(h, p) -> q`, of the input state of `prior` and its output `p`.
      merge: `(h, z [B, ...]) -> h` of the next group.
    """

    prior: Callable[[PyTree], tuple[GaussianPosterior, PyTree]]
    posterior: Callable[[PyTree, GaussianPosterior], GaussianPosterior]
    merge: Callable[[PyTree, Array], PyTree]


class Walk(NamedTuple):
    r"""What drawing every group from its posterior left behind.

    Attributes:
      state: after the last group.
      z: of each group.
      kl: `[G, B]`, the divergence of each group, nats.
      log_ratio: `[G, B]`, $\log q(z_i) - \log p(z_i)$ at the z drawn, whose mean is `kl`.
    """

    state: PyTree
    z: tuple[Array, ...]
    kl: Array
    log_ratio: Array


def infer(key: Key, groups: Sequence[Group], start: PyTree) -> Walk:
    """Walk down, drawing each group from its posterior.

    Args:
      key: one typed PRNG key, consumed.
      groups: from the top.
      start: the state before the first.
    """
    state, drawn, kl, log_ratio = start, [], [], []
    for group, key_z in zip(groups, jax.random.split(key, len(groups)), strict=True):
        p, below = group.prior(state)
        q = group.posterior(state, p)
        z, log_q = q.sample(key_z)
        drawn.append(z)
        kl.append(sum_over_data(normal_kl(q.mean, 2.0 * q.log_std, p.mean, 2.0 * p.log_std)))
        log_ratio.append(log_q - p.log_prob(z))
        state = group.merge(below, z)
    return Walk(state, tuple(drawn), jnp.stack(kl), jnp.stack(log_ratio))


def generate(
    key: Key, groups: Sequence[Group], start: PyTree, *, z: Sequence[Array] = (), temperature: float = 1.0
) -> PyTree:
    """Walk down, drawing each group from its prior; the state after the last.

    Args:
      key: one typed PRNG key, consumed.
      groups: from the top; their posteriors are not used.
      start: the state before the first.
      z: values of the first groups, which are then not drawn; all of them decode what `infer` has encoded.
      temperature: factor of the priors' standard deviations.
    """
    state = start
    for number, (group, key_z) in enumerate(zip(groups, jax.random.split(key, len(groups)), strict=True)):
        p, state = group.prior(state)
        if number < len(z):
            value = z[number]
        else:
            value = p.mean + temperature * jnp.exp(p.log_std) * jax.random.normal(key_z, p.mean.shape, p.mean.dtype)
        state = group.merge(state, value)
    return state


def hierarchical_loss(
    key: Key,
    groups: Sequence[Group],
    start: PyTree,
    log_prob: Callable[[PyTree], Array],
    *,
    beta: Array | float = 1.0,
    free_nats: float = 0.0,
) -> LossOutput:
    r"""One draw of the bound above, $-\log p(x)$ or more.

    Args:
      key: one typed PRNG key, consumed.
      groups: from the top.
      start: the state before the first.
      log_prob: `state -> log p(x | z) [B]`, nats, of the state after the last group.
      beta: weight of the divergences, for a warm-up from 0 to 1.
      free_nats: what each group's divergence may be at no cost, an example.

    Returns:
      `LossOutput` with `value` `[B]`, nats, and in `aux` the terms `reconstruction` and `kl`, and `bound`, their sum:
      the value at beta = 1 without free nats.
    """
    walk = infer(key, groups, start)
    reconstruction, kl = -log_prob(walk.state), walk.kl.sum(axis=0)
    value = reconstruction + beta * jnp.maximum(walk.kl, free_nats).sum(axis=0)
    return LossOutput(value, {"reconstruction": reconstruction, "kl": kl, "bound": reconstruction + kl})


def log_weight(key: Key, groups: Sequence[Group], start: PyTree, log_prob: Callable[[PyTree], Array]) -> Array:
    r"""One draw of $\log p(x, z) - \log q(z \mid x)$, whose exponential has the mean $p(x)$: `[B]`, nats."""
    walk = infer(key, groups, start)
    return log_prob(walk.state) - walk.log_ratio.sum(axis=0)


def importance_log_prob(
    key: Key, groups: Sequence[Group], start: PyTree, log_prob: Callable[[PyTree], Array], *, num_samples: int
) -> Likelihood:
    """The log-likelihood estimated from so many weights, on average a lower bound; one draw in memory at a time.

    Arguments are those of `hierarchical_loss`; for `stderr` see `core.likelihood.importance`.

    Raises:
      ValueError: if there is no sample.
    """
    check_count("num_samples", num_samples)
    keys = jax.random.split(key, num_samples)
    log_weights = jax.lax.map(lambda key: log_weight(key, groups, start, log_prob), keys)
    return importance(log_weights)


def precision_weighted(belief: GaussianPosterior, expectation: GaussianPosterior) -> GaussianPosterior:
    """The product of two normals, normalised: equations 17 and 18 of the ladder VAE."""
    log_variance = -jnp.logaddexp(-2.0 * belief.log_std, -2.0 * expectation.log_std)
    share = jnp.exp(log_variance - 2.0 * belief.log_std)
    return GaussianPosterior(expectation.mean + share * (belief.mean - expectation.mean), 0.5 * log_variance)
