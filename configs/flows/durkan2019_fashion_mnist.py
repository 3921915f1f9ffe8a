r"""RQ-NSF (C) on Fashion-MNIST: two levels of four steps with splines inside.

Paper: Durkan et al., Neural Spline Flows, 2019, https://arxiv.org/abs/1906.04032
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/durkan2019_fashion_mnist \
    --config=configs/flows/durkan2019_fashion_mnist.py
Expected: 3.392 ± 0.009 bits/dim (kind elbo: uniform dequantisation; the whole test set, n 10,000, seed 0); samples at a
    Fréchet distance of 138 (1,000, fashion_mnist features; real against real 3.6).
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import flows
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.fashion_mnist(flows.get_config(), net=recipes.RESNET)
    config.flow.update({"name": "spline_coupling", "options": ConfigDict({"levels": 2, "depth": 4, "bins": 4})})
    config.train.steps = 2400
    config.expected = ConfigDict({"metric": "bits/dim", "kind": "elbo", "value": 3.392, "n": 10000})
    return with_variant(config, variant)
