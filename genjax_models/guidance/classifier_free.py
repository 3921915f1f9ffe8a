r"""Classifier-free guidance, $\hat p = p_\varnothing + g\,(p_c - p_\varnothing)$: the paper's eq. 6 with $g = 1 + w$.

The weights sum to one and conversions between prediction types are affine in the prediction, so guiding one type
guides them all alike.

References:
  Ho and Salimans, Classifier-Free Diffusion Guidance, 2022, https://arxiv.org/abs/2207.12598
"""

import jax
import jax.numpy as jnp

from genjax_models.core.types import Array, Key, Model


def classifier_free(conditional: Model, unconditional: Model, guidance_scale: float) -> Model:
    """A model that moves from the unconditional prediction towards, and past, the conditional one.

    Args:
      conditional: the model bound to the wanted condition.
      unconditional: the same model bound to the null condition.
      guidance_scale: 0 is unconditional, 1 conditional, above 1 sharper and less diverse (dimensionless).

    Returns:
      A model of the same prediction type; two evaluations a call.
    """

    def guided(x: Array, t: Array) -> Array:
        null = unconditional(x, t)
        return null + guidance_scale * (conditional(x, t) - null)

    return guided


def drop_labels(key: Key, label: Array, null: int, rate: float) -> Array:
    """Replace each label `[B]` by the null class with probability `rate`, so one network learns both predictions."""
    return jnp.where(jax.random.bernoulli(key, rate, label.shape), null, label)
