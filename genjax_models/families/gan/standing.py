"""Standing statistics: what batch normalisation sees at sampling, averaged over many batches of latents.

References:
  Brock et al., Large Scale GAN Training (BigGAN), 2019, appendix C, https://arxiv.org/abs/1809.11096
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from genjax_models.core.types import Key, PyTree


def standing_statistics(key: Key, statistics: Callable[[Key], PyTree], num: int = 16) -> PyTree:
    """The average of `num` collections of batch statistics, of which one at a time is in memory.

    Args:
      key: one typed PRNG key, consumed.
      statistics: `key -> collection`, the moments of one batch of latents under the weights that will sample.
      num: how many batches.

    Raises:
      ValueError: if there is no batch.
    """
    if num < 1:
        raise ValueError(f"standing statistics need at least 1 batch, got {num}")
    add = lambda total, k: (jax.tree.map(jnp.add, total, statistics(k)), None)
    zeros = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), jax.eval_shape(statistics, key))
    total, _ = jax.lax.scan(add, zeros, jax.random.split(key, num))
    return jax.tree.map(lambda x: x / num, total)
