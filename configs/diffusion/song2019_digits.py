r"""NCSN on the 8x8 digits: one network for all noise levels, sampled by annealed Langevin dynamics.

Paper: Song and Ermon, Generative Modeling by Estimating Gradients of the Data Distribution, 2019, https://arxiv.org/abs/1907.05600
Command: python -m experiments.train --workdir=runs/ncsn_digits \
    --config=configs/diffusion/song2019_digits.py
Expected: Fréchet distance 7.9 by annealed Langevin dynamics, 1,000 evaluations; 7.9 at 18 steps of Heun's method,
    with a precision of 0.54 in place of 0.78 (750 samples, seed 0, digits features; real images against real 3.2).
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import diffusion
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(diffusion.ncsn_config())
    config.expected = ConfigDict(
        {"sampler": "annealed_langevin", "steps": 10, "metric": "Fréchet distance", "value": 7.9, "n": 750}
    )
    return with_variant(config, variant)
