r"""The Plackett-Luce distribution of rankings $\pi$ of K items with scores $s$.

$$ \log p(\pi) = \sum_{k=1}^{K} \Big( s_{\pi_k} - \log \sum_{j \ge k} e^{s_{\pi_j}} \Big) $$

The order of $s_i + g_i$ with independent Gumbel noise $g$ has this distribution (Yellott, 1977).

References:
  Luce, Individual Choice Behavior, 1959
  Plackett, The Analysis of Permutations, 1975
  Yellott, The relationship between Luce's choice axiom, Thurstone's theory of comparative judgment, and the double
    exponential distribution, 1977
"""

import jax
import jax.numpy as jnp

from genjax_models.core.types import LossOutput


def log_prob(scores, x):
    """Log-probabilities `[B]`, nats, of rankings `x` `[B, K]` under scores `[B, K]`."""
    chosen = jnp.take_along_axis(scores, x, axis=1)
    left = jax.lax.cumlogsumexp(chosen, axis=1, reverse=True)
    return (chosen - left).sum(axis=1)


def plackett_luce_loss(key, model, x):
    """The negative log-likelihood of rankings `x` `[B, K]`; `model(x)` are their scores."""
    return LossOutput(-log_prob(model(x), x), {})


def gumbel_sort(key, scores):
    """One ranking `[B, K]` for each row of scores `[B, K]`."""
    return jnp.argsort(-(scores + jax.random.gumbel(key, scores.shape)), axis=1).astype(jnp.int32)
