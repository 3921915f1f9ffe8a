r"""NCSN on Fashion-MNIST: one network for all noise levels, sampled by annealed Langevin dynamics.

Paper: Song and Ermon, Generative Modeling by Estimating Gradients of the Data Distribution, 2019, https://arxiv.org/abs/1907.05600
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/ncsn_fashion_mnist \
    --config=configs/diffusion/song2019_fashion_mnist.py
Expected: not measured yet.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import diffusion, recipes
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.fashion_mnist(diffusion.ncsn_config())
    return with_variant(config, variant)
