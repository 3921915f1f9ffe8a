r"""Variational diffusion on Fashion-MNIST: network and noise schedule trained on the bound.

Paper: Kingma et al., Variational Diffusion Models, 2021, https://arxiv.org/abs/2107.00630
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/vdm_fashion_mnist \
    --config=configs/diffusion/kingma2021_fashion_mnist.py
Expected: 3.452 ± 0.047 bits/dim (kind elbo, 4 draws, the first 500 test images, seed 0); Fréchet distance 97 at 50 DDIM
    steps (1,000 samples, fashion_mnist features; real images against real 3.6): the bound weighs fine noise most.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments.config import recipes
from experiments.config.variants import with_variant
from experiments.diffusion import variational


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.fashion_mnist(variational.get_config())
    config.net.out_channels = 1
    config.eval.likelihood = 500
    config.expected = ConfigDict({"metric": "bits/dim", "kind": "elbo", "value": 3.452, "n": 500})
    return with_variant(config, variant)
