r"""Glow on Fashion-MNIST: two levels of eight steps.

Paper: Kingma and Dhariwal, Glow: Generative Flow with Invertible 1x1 Convolutions, 2018, https://arxiv.org/abs/1807.03039
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/kingma2018_fashion_mnist \
    --config=configs/flows/kingma2018_fashion_mnist.py
Expected: 3.410 ± 0.009 bits/dim (kind elbo: uniform dequantisation; the whole test set, n 10,000, seed 0); samples at a
    Fréchet distance of 157 (1,000, fashion_mnist features; real against real 3.6).
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import flows
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.fashion_mnist(flows.get_config(), net={"name": "genjax_models.nets.ConvConditioner", "width": 96})
    config.flow.update({"name": "glow", "options": ConfigDict({"levels": 2, "depth": 8})})
    config.expected = ConfigDict({"metric": "bits/dim", "kind": "elbo", "value": 3.41, "n": 10000})
    return with_variant(config, variant)
