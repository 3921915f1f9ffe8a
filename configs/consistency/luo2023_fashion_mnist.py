r"""Latent consistency distillation on Fashion-MNIST: guided samples of a class in a few steps, one evaluation each.

The teacher is a class-conditional EDM model, which the same command trains first; there is no autoencoder here, whose
latents the paper's data are.

Paper: Luo et al., Latent Consistency Models, 2023, https://arxiv.org/abs/2310.04378
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/lcm_fashion_mnist \
    --config=configs/consistency/luo2023_fashion_mnist.py
Expected: Fréchet distance 15.6 at one step and a guidance of 2, precision 0.89, recall 0.51, class accuracy 0.93; 14.4
    at two steps, 17.7 at four; at a guidance of 1 12.8, 16.1 and 21.5 (1000 samples, seed 0, fashion_mnist features;
    real images against real 3.6, accuracy 0.92). The teacher's 18 steps of Heun's method, guided so, have 7.0 and 9.2.
    51 minutes of a shared x86-64 core, 32 of them the teacher's.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from configs.diffusion import karras2022_fashion_mnist
from experiments.config import recipes
from experiments.config.variants import with_variant
from experiments.consistency import latent


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.fashion_mnist(latent.get_config())
    config.sigma_data = 0.8
    config.train.steps = 1200  # the time of 3,200 steps of one evaluation each
    config.teacher = karras2022_fashion_mnist.get_config("conditional")
    config.expected = ConfigDict(
        {"sampler": "multistep", "steps": 1, "metric": "Fréchet distance", "value": 15.6, "n": 1000}
    )
    return with_variant(config, variant)
