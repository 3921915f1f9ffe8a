r"""Consistency distillation on Fashion-MNIST of an EDM model, which the same command trains first.

Paper: Song et al., Consistency Models, 2023, https://arxiv.org/abs/2303.01469
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/cd_fashion_mnist \
    --config=configs/consistency/song2023_distillation_fashion_mnist.py
Expected: Fréchet distance 39.5 at one step, 35.9 at 2, 39.2 at 4, 44.4 at 10 (1,000 samples, seed 0, fashion_mnist
    features; real images against real 3.6); its teacher reaches 16.4 at 20 steps of two evaluations.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from configs.diffusion import karras2022_fashion_mnist
from experiments.config import recipes
from experiments.config.variants import with_variant
from experiments.consistency import distillation


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.fashion_mnist(distillation.get_config())
    config.sigma_data = 0.8
    config.eval.rows = tuple(("multistep", steps) for steps in recipes.STEPS)
    config.train.steps = 1600  # the time of 3,200 steps of one evaluation each
    config.teacher = karras2022_fashion_mnist.get_config()
    config.expected = ConfigDict(
        {"sampler": "multistep", "steps": 1, "metric": "Fréchet distance", "value": 39.5, "n": 1000}
    )
    return with_variant(config, variant)
