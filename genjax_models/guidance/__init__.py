"""Transforms from model to model, or from denoiser to denoiser: guidance and thresholding, over any sampler."""

from genjax_models.guidance.autoguidance import autoguidance
from genjax_models.guidance.cfg_pp import CFGPlusPlus
from genjax_models.guidance.classifier import classifier_guidance
from genjax_models.guidance.classifier_free import classifier_free, drop_labels
from genjax_models.guidance.thresholding import dynamic_threshold, static_threshold

__all__ = [
    "CFGPlusPlus",
    "autoguidance",
    "classifier_free",
    "classifier_guidance",
    "drop_labels",
    "dynamic_threshold",
    "static_threshold",
]
