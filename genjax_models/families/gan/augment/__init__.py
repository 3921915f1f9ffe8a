"""Differentiable augmentation of what a discriminator sees."""

from genjax_models.families.gan.augment.ada import ada_augment
from genjax_models.families.gan.augment.controller import adapt, overfitting
from genjax_models.families.gan.augment.diff_augment import POLICIES, diff_augment
from genjax_models.families.gan.augment.warp import warp

__all__ = ["POLICIES", "ada_augment", "adapt", "diff_augment", "overfitting", "warp"]
