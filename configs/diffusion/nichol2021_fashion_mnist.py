r"""Improved DDPM on Fashion-MNIST: learned variance, the hybrid loss, the bound of the whole chain.

Paper: Nichol and Dhariwal, Improved Denoising Diffusion Probabilistic Models, 2021, https://arxiv.org/abs/2102.09672
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/iddpm_fashion_mnist \
    --config=configs/diffusion/nichol2021_fashion_mnist.py
Expected: Fréchet distance 13.1 at 100 steps of ancestral_learned, kernel distance 0.72, precision 0.85, recall 0.85;
    distance 20.4 at 25 steps of ancestral_learned, 18.7 at 25 steps of ancestral, 31.2 at 25 steps of ddim (1000
    samples, seed 0, fashion_mnist features; real images against real 3.6); test likelihood 3.98 ± 0.09 bits/dim (elbo,
    n 64); 1463 seconds on a shared x86-64 core.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments.config import recipes
from experiments.config.variants import with_variant
from experiments.diffusion import learned_variance


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.fashion_mnist(learned_variance.get_config())
    config.net.out_channels = 2
    config.eval.likelihood = 64  # each takes a thousand evaluations
    config.expected = ConfigDict(
        {"sampler": "ancestral_learned", "steps": 100, "metric": "Fréchet distance", "value": 13.1, "n": 1000}
    )
    return with_variant(config, variant)
