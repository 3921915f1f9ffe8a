r"""Consistency training on Fashion-MNIST with squared distance to an average of the model, and a doubling curriculum.

Paper: Song et al., Consistency Models, 2023, https://arxiv.org/abs/2303.01469
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/ct_fashion_mnist \
    --config=configs/consistency/song2023_training_fashion_mnist.py
Expected: Fréchet distance 119.2 at one step, 96.9 at 2, 93.0 at 4, 98.5 at 10 (1,000 samples, seed 0,
    fashion_mnist features; real images against real 3.6).
Otherwise here: intervals and target as in `song2023_training_digits`, which explains them.
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
    config.update({"metric": "l2", "gap": "equal", "position": "uniform", "target_decay": 0.95})
    config.intervals = ConfigDict({"first": 2, "last": 150})
    config.expected = ConfigDict(
        {"sampler": "multistep", "steps": 1, "metric": "Fréchet distance", "value": 119.2, "n": 1000}
    )
    return with_variant(config, variant)
