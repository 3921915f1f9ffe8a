r"""The very deep VAE on Fashion-MNIST, as bytes.

Paper: Child, Very Deep VAEs Generalize Autoregressive Models and Can Outperform Them on Images, 2021,
    https://arxiv.org/abs/2011.10650
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/vdvae_fashion_mnist \
    --config=configs/vae/child2021_fashion_mnist.py
Expected: 3.585 ± 0.010 bits/dim (kind elbo of bytes, 10 draws; the whole test set, n 10,000, seed 0); samples at a
    Fréchet distance of 187 (1,000, fashion_mnist features; real against real 3.6).
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments.config import recipes
from experiments.config.variants import with_variant
from experiments.vae import hierarchical


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.fashion_mnist(hierarchical.get_config(), net=recipes.VERY_DEEP)
    config.train.optimizer.learning_rate = 1e-3
    config.eval.likelihood = 10_000
    config.train.steps = 1600
    config.expected = ConfigDict({"metric": "bits/dim", "kind": "elbo", "value": 3.585, "n": 10000})
    return with_variant(config, variant)
