r"""Improved consistency training on 8x8 digits: one-step samples, no teacher.

Paper: Song and Dhariwal, Improved Techniques for Training Consistency Models, 2023, https://arxiv.org/abs/2310.14189
Command: python -m experiments.train --workdir=runs/ict_digits \
    --config=configs/consistency/song2023_improved_digits.py
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import consistency, recipes
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(consistency.get_config())
    return with_variant(config, variant)
