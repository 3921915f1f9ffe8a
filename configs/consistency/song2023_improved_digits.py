r"""Improved consistency training on 8x8 digits: one-step samples, no teacher.

Paper: Song and Dhariwal, Improved Techniques for Training Consistency Models, 2023, https://arxiv.org/abs/2310.14189
Command: python -m experiments.train --workdir=runs/ict_digits \
    --config=configs/consistency/song2023_improved_digits.py
Expected: Fréchet distance 5.1 at one step, 6.1 at two (750 samples, seed 0, digits features; real images against real
    3.2).
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import consistency
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(consistency.get_config())
    config.expected = ConfigDict(
        {"sampler": "multistep", "steps": 1, "metric": "Fréchet distance", "value": 5.1, "n": 750}
    )
    return with_variant(config, variant)
