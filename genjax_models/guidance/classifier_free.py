r"""Classifier-free guidance, $\hat p = p_\varnothing + g\,(p_c - p_\varnothing)$: the paper's eq. 6 with $g = 1 + w$.

The weights sum to one and conversions between prediction types are affine in the prediction, so guiding one type
guides them all alike.

References:
  Ho and Salimans, Classifier-Free Diffusion Guidance, 2022, https://arxiv.org/abs/2207.12598
"""

import jax
import jax.numpy as jnp

from genjax_models.core.arrays import expand_as
from genjax_models.core.types import Array, Key, Model


def classifier_free(
    conditional: Model,
    unconditional: Model,
    guidance_scale: float,
    *,
    interval: tuple[float, float] = (0.0, 1.0),
    rescale: float = 0.0,
) -> Model:
    r"""A model that moves from the unconditional prediction towards, and past, the conditional one.

    Args:
      conditional: the model bound to the wanted condition.
      unconditional: the same model bound to the null condition.
      guidance_scale: 0 is unconditional, 1 conditional, above 1 sharper and less diverse (dimensionless).
      interval: times between which guidance acts, both included; outside it the prediction is the conditional one.
      rescale: how far, from 0 to 1, each example's standard deviation is brought back to the conditional
        prediction's; the paper takes 0.7 at high scales. Other than guidance, it depends on the prediction type.

    Returns:
      A model of the same prediction type; two evaluations a call.

    Raises:
      ValueError: if the interval or `rescale` does not lie within [0, 1].

    References:
      Kynkäänniemi et al., Applying Guidance in a Limited Interval, 2024, https://arxiv.org/abs/2404.07724
      Lin et al., Common Diffusion Noise Schedules and Sample Steps are Flawed, 2024, eqs. 14 to 16, https://arxiv.org/abs/2305.08891
    """
    low, high = interval
    if not 0.0 <= low <= high <= 1.0:
        raise ValueError(f"interval must be (low, high) with 0 <= low <= high <= 1, got {interval}")
    if not 0.0 <= rescale <= 1.0:
        raise ValueError(f"rescale must lie in [0, 1], got {rescale}")

    def guided(x: Array, t: Array) -> Array:
        null, wanted = unconditional(x, t), conditional(x, t)
        scale = jnp.where((t >= low) & (t <= high), guidance_scale, 1.0).astype(x.dtype)
        prediction = null + expand_as(scale, x) * (wanted - null)
        if rescale:
            data = tuple(range(1, x.ndim))
            spread = prediction.std(axis=data, keepdims=True)
            ratio = wanted.std(axis=data, keepdims=True) / jnp.where(spread > 0.0, spread, 1.0)
            prediction = prediction * (1.0 + rescale * (ratio - 1.0))
        return prediction

    return guided


def drop_labels(key: Key, label: Array, null: int, rate: float) -> Array:
    """Replace each label `[B]` by the null class with probability `rate`, so one network learns both predictions."""
    return jnp.where(jax.random.bernoulli(key, rate, label.shape), null, label)
