"""Transforms from model to model, or from denoiser to denoiser: guidance and thresholding, over any sampler."""

from genjax_models.guidance.autoguidance import autoguidance
from genjax_models.guidance.cfg_pp import CFGPlusPlus
from genjax_models.guidance.classifier import classifier_guidance
from genjax_models.guidance.classifier_free import (
    classifier_free,
    composed_classifier_free,
    nested_classifier_free,
)
from genjax_models.guidance.dropping import drop_condition
from genjax_models.guidance.thresholding import dynamic_threshold, static_threshold

__all__ = [
    "CFGPlusPlus",
    "autoguidance",
    "classifier_free",
    "classifier_guidance",
    "composed_classifier_free",
    "drop_condition",
    "dynamic_threshold",
    "nested_classifier_free",
    "static_threshold",
]
