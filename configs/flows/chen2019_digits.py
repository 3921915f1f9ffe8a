r"""Residual flow on the digits: eight contracting convolutions, the unbiased log-determinant.

Paper: Chen et al., Residual Flows for Invertible Generative Modeling, 2019, https://arxiv.org/abs/1906.02735
Command: python -m experiments.train --workdir=runs/chen2019_digits \
    --config=configs/flows/chen2019_digits.py
Expected: 6.52 ± 0.01 bits/dim (kind elbo: dequantised; n 296 test images, seed 0); samples at a Fréchet distance of
    42.8 (750, digits features; real against real 3.2); 265 seconds on a shared x86-64 core.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import flows
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(flows.get_config(), net={"name": "genjax_models.nets.LipschitzConv", "width": 32})
    config.flow.update({"name": "residual", "options": ConfigDict({"depth": 8})})
    config.train.steps = 500
    config.expected = ConfigDict({"metric": "bits/dim", "kind": "elbo", "value": 6.523, "n": 296})
    return with_variant(config, variant)
