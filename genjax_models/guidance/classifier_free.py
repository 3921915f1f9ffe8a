r"""Classifier-free guidance, by one condition or by several, each with a scale of its own.

One condition: $\hat p = p_\varnothing + g\,(p_c - p_\varnothing)$, eq. 6 of Ho and Salimans with $g = 1 + w$. Several:

$$\begin{aligned}
\text{nested:} &\quad \hat p = p_\varnothing + s_1\,(p_{c_1} - p_\varnothing) + s_2\,(p_{c_1, c_2} - p_{c_1}) + \dots \\
\text{composed:} &\quad \hat p = p_\varnothing + s_1\,(p_{c_1} - p_\varnothing) + s_2\,(p_{c_2} - p_\varnothing) + \dots
\end{aligned}$$

The weights sum to one and conversions between prediction types are affine in the prediction, so guiding one type
guides them all alike.

References:
  Ho and Salimans, Classifier-Free Diffusion Guidance, 2022, https://arxiv.org/abs/2207.12598
  Brooks et al., InstructPix2Pix, 2023, eq. 3, https://arxiv.org/abs/2211.09800 (nested)
  Liu et al., Compositional Visual Generation with Composable Diffusion Models, 2022,
    https://arxiv.org/abs/2206.01714 (composed, its conjunction)
"""

from collections.abc import Callable, Sequence

import jax.numpy as jnp

from genjax_models.core.arrays import expand_as
from genjax_models.core.types import Array, Model


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
    return nested_classifier_free((unconditional, conditional), (guidance_scale,), interval=interval, rescale=rescale)


def nested_classifier_free(
    models: Sequence[Model],
    scales: Sequence[float],
    *,
    interval: tuple[float, float] = (0.0, 1.0),
    rescale: float = 0.0,
) -> Model:
    r"""Guidance by conditions that are added one after another, InstructPix2Pix's: the image first, then the text.

    Args:
      models: one model bound to $\varnothing$, to $c_1$, to $(c_1, c_2)$, ...: one more than there are scales.
      scales: $s_1, s_2, \dots$ With all of them 1 the prediction is that of the last model.
      interval: times between which guidance acts, both included; outside it all scales are 1.
      rescale: as in `classifier_free`, to the standard deviation of the last model's prediction.

    Returns:
      A model of the same prediction type; an evaluation of each model a call.

    Raises:
      ValueError: if the numbers of models and scales do not fit, or the interval or `rescale` is not within [0, 1].
    """
    return _guided(models, scales, lambda index: index - 1, interval, rescale)


def composed_classifier_free(
    unconditional: Model,
    conditionals: Sequence[Model],
    scales: Sequence[float],
    *,
    interval: tuple[float, float] = (0.0, 1.0),
) -> Model:
    r"""Guidance by conditions that are independent given the sample: a network that never saw two of them together.

    Args:
      unconditional: the model bound to the null condition.
      conditionals: the same model bound to one condition each.
      scales: the conditions' $s_1, s_2, \dots$; a negative one moves away from its condition.
      interval: times between which guidance acts, both included; outside it all scales are 1.

    Returns:
      A model of the same prediction type; an evaluation of each model a call.

    Raises:
      ValueError: if the numbers of conditional models and scales differ, or the interval is not within [0, 1].
    """
    return _guided((unconditional, *conditionals), scales, lambda index: 0, interval, 0.0)


def _guided(
    models: Sequence[Model],
    scales: Sequence[float],
    origin: Callable[[int], int],
    interval: tuple[float, float],
    rescale: float,
) -> Model:
    """The sum above: scale `i` multiplies the difference of model `i` and model `origin(i)`."""
    low, high = interval
    if not 0.0 <= low <= high <= 1.0:
        raise ValueError(f"interval must be (low, high) with 0 <= low <= high <= 1, got {interval}")
    if not 0.0 <= rescale <= 1.0:
        raise ValueError(f"rescale must lie in [0, 1], got {rescale}")
    if len(models) != len(scales) + 1 or not scales:
        raise ValueError(f"guidance takes one model more than scales, got {len(models)} and {len(scales)}")

    def guided(x: Array, t: Array) -> Array:
        predictions = [model(x, t) for model in models]
        acts = (t >= low) & (t <= high)
        prediction = predictions[0]
        for index, guidance_scale in enumerate(scales, start=1):
            scale = jnp.where(acts, guidance_scale, 1.0).astype(x.dtype)
            prediction = prediction + expand_as(scale, x) * (predictions[index] - predictions[origin(index)])
        if rescale:
            data = tuple(range(1, x.ndim))
            std = prediction.std(axis=data, keepdims=True)
            ratio = predictions[-1].std(axis=data, keepdims=True) / jnp.where(std > 0.0, std, 1.0)
            prediction = prediction * (1.0 + rescale * (ratio - 1.0))
        return prediction

    return guided
