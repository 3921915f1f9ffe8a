r"""Inception-style score: confident for each sample, diverse over all of them.

$$ \mathrm{IS} = \exp \mathbb{E}_x\, \mathrm{KL}\big(p(y \mid x) \,\|\, \mathbb{E}_x\, p(y \mid x)\big) $$

Between 1 (one class only, or total indecision) and K, the number of the classifier's classes. It is the mean over
random splits of the samples, given with the standard deviation between splits. It does not use real data, so compare
it with the score of real images under the same classifier.

References:
  Salimans et al., Improved Techniques for Training GANs, 2016, https://arxiv.org/abs/1606.03498
  Barratt & Sharma, A Note on the Inception Score, 2018, https://arxiv.org/abs/1801.01973
"""

from typing import NamedTuple

import jax
import numpy as np
from jax.typing import ArrayLike
from scipy.special import log_softmax, logsumexp

from genjax_models.core.types import Key
from genjax_models.evaluation.requirements import feature_matrix


class InceptionScore(NamedTuple):
    """The mean score of the splits and their standard deviation."""

    value: float
    std: float


def inception_score(key: Key, logits: ArrayLike, *, splits: int = 10) -> InceptionScore:
    """The Inception score under any classifier.

    Args:
      key: one typed PRNG key; deals the samples to the splits, so that samples ordered by class do no harm.
      logits: `[N, K]`, the classifier's, of generated images.
      splits: number of parts, each scored by itself.

    Returns:
      Mean and standard deviation (over the splits) of the score, each in [1, K].

    Raises:
      UserError: if there are fewer samples than splits, or a logit is not finite.
    """
    logits = feature_matrix(logits, "logits", at_least=splits, metric=f"the Inception score in {splits} splits")
    order = np.asarray(jax.random.permutation(key, len(logits)))
    log_p = log_softmax(logits[order].astype(np.float64), axis=1)
    scores = np.array([_score(part) for part in np.array_split(log_p, splits)])
    return InceptionScore(float(scores.mean()), float(scores.std()))


def _score(log_p: np.ndarray) -> float:
    log_marginal = logsumexp(log_p, axis=0) - np.log(len(log_p))
    divergence = (np.exp(log_p) * (log_p - log_marginal[None, :])).sum(axis=1)
    return float(np.exp(divergence.mean()))
