r"""Latent consistency distillation on Fashion-MNIST: guided samples of a class in a few steps, one evaluation each.

The teacher is a class-conditional EDM model, which the same command trains first; there is no autoencoder here, whose
latents the paper's data are.

Paper: Luo et al., Latent Consistency Models, 2023, https://arxiv.org/abs/2310.04378
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/lcm_fashion_mnist \
    --config=configs/consistency/luo2023_fashion_mnist.py
Expected: not measured yet.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from configs.diffusion import karras2022_fashion_mnist
from experiments import latent_consistency, recipes
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.fashion_mnist(latent_consistency.get_config())
    config.sigma_data = 0.8
    config.train.steps = 1200  # the time of 3,200 steps of one evaluation each
    config.teacher = karras2022_fashion_mnist.get_config("conditional")
    return with_variant(config, variant)
