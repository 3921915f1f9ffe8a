r"""Improved consistency training on Fashion-MNIST: one-step samples, no teacher.

Paper: Song and Dhariwal, Improved Techniques for Training Consistency Models, 2023, https://arxiv.org/abs/2310.14189
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/ict_fashion_mnist \
    --config=configs/consistency/song2023_improved_fashion_mnist.py
Expected: not measured yet.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import consistency, recipes
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.fashion_mnist(consistency.get_config())
    config.sigma_data = 0.8
    config.eval.rows = tuple(("multistep", steps) for steps in recipes.STEPS)
    config.train.steps = 2400  # the time of 3,200 steps of one evaluation each
    return with_variant(config, variant)
