r"""NCSN on Fashion-MNIST: one network for all noise levels, sampled by annealed Langevin dynamics.

Paper: Song and Ermon, Generative Modeling by Estimating Gradients of the Data Distribution, 2019, https://arxiv.org/abs/1907.05600
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/ncsn_fashion_mnist \
    --config=configs/diffusion/song2019_fashion_mnist.py
Expected: Fréchet distance 121 by annealed Langevin dynamics, 1,000 evaluations, kernel distance 5.43, precision 0.76,
    recall 0.67; 231 at 18 steps of edm_heun (1000 samples, seed 0, fashion_mnist features; real images against real
    3.6); 1490 seconds on a shared x86-64 core. Its largest noise, the paper's, is 2 on pixels in [-1, 1], and images
    are up to 41 apart: Heun's steps from images with this noise, in place of noise alone, are at 30.8. Song and Ermon,
    2020, https://arxiv.org/abs/2006.09011, take as much noise as images are apart; `song2021_ve` here does.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import diffusion
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.fashion_mnist(diffusion.ncsn_config())
    config.expected = ConfigDict(
        {"sampler": "annealed_langevin", "steps": 10, "metric": "Fréchet distance", "value": 120.5, "n": 1000}
    )
    return with_variant(config, variant)
