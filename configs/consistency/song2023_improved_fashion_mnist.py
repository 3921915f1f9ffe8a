r"""Improved consistency training on Fashion-MNIST: one-step samples, no teacher.

Paper: Song and Dhariwal, Improved Techniques for Training Consistency Models, 2023, https://arxiv.org/abs/2310.14189
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/ict_fashion_mnist \
    --config=configs/consistency/song2023_improved_fashion_mnist.py
Expected: Fréchet distance 66.3 at one step of multistep, kernel distance 3.74, precision 0.68, recall 0.53; distance
    61.4 at 2 steps of multistep, 58.5 at 4 steps of multistep, 58.6 at 10 steps of multistep, 54.3 at 20 steps of
    multistep, 59.2 at 50 steps of multistep (1000 samples, seed 0, fashion_mnist features; real images against real
    3.6); 1344 seconds on a shared x86-64 core.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import consistency
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.fashion_mnist(consistency.get_config())
    config.sigma_data = 0.8
    config.eval.rows = tuple(("multistep", steps) for steps in recipes.STEPS)
    config.train.steps = 2400  # the time of 3,200 steps of one evaluation each
    config.expected = ConfigDict(
        {"sampler": "multistep", "steps": 1, "metric": "Fréchet distance", "value": 66.3, "n": 1000}
    )
    return with_variant(config, variant)
