"""Transforms from model to model: classifier-free guidance, thresholding."""

from genjax_models.guidance.classifier_free import classifier_free, drop_labels
from genjax_models.guidance.thresholding import static_threshold

__all__ = ["classifier_free", "drop_labels", "static_threshold"]
