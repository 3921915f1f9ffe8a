"""Autoguidance: away from what a worse version of the same model would do."""

from genjax_models.core.types import Model
from genjax_models.guidance.classifier_free import classifier_free


def autoguidance(
    model: Model, weak: Model, guidance_scale: float, *, interval: tuple[float, float] = (0.0, 1.0)
) -> Model:
    """`classifier_free`'s extrapolation, from a smaller or less trained model of the *same* condition.

    Args:
      model: the good model, bound to its condition, if any.
      weak: the worse one, bound to the same condition.
      guidance_scale: 1 is no guidance, above 1 away from the weak model (dimensionless).
      interval: times between which guidance acts.

    Returns:
      A model of the same prediction type; an evaluation of each a call.

    References:
      Karras et al., Guiding a Diffusion Model with a Bad Version of Itself, 2024, https://arxiv.org/abs/2406.02507
    """
    return classifier_free(model, weak, guidance_scale, interval=interval)
