r"""RealNVP on Fashion-MNIST: two scales of checkerboard and channel couplings.

Paper: Dinh et al., Density Estimation using Real NVP, 2017, https://arxiv.org/abs/1605.08803
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/dinh2017_fashion_mnist \
    --config=configs/flows/dinh2017_fashion_mnist.py
Expected: 3.431 ± 0.009 bits/dim (kind elbo: uniform dequantisation; the whole test set, n 10,000, seed 0); samples at a
    Fréchet distance of 164 (1,000, fashion_mnist features; real against real 3.6).
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import flows
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.fashion_mnist(flows.get_config(), net=recipes.RESNET)
    config.flow.update({"name": "real_nvp", "options": ConfigDict({"levels": 2})})
    config.train.steps = 1200
    config.expected = ConfigDict({"metric": "bits/dim", "kind": "elbo", "value": 3.431, "n": 10000})
    return with_variant(config, variant)
