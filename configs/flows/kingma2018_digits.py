r"""Glow on the digits: two levels of eight steps.

Paper: Kingma and Dhariwal, Glow: Generative Flow with Invertible 1x1 Convolutions, 2018, https://arxiv.org/abs/1807.03039
Command: python -m experiments.train --workdir=runs/kingma2018_digits \
    --config=configs/flows/kingma2018_digits.py
Expected: 5.39 ± 0.02 bits/dim (kind elbo: dequantised; n 296 test images, seed 0); samples at a Fréchet distance of
    19.8 (750, digits features; real against real 3.2); 70 seconds on a shared x86-64 core.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import flows
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(flows.get_config(), net={"name": "genjax_models.nets.ConvConditioner", "width": 64})
    config.flow.update({"name": "glow", "options": ConfigDict({"levels": 2, "depth": 8})})
    config.train.steps = 500
    config.expected = ConfigDict({"metric": "bits/dim", "kind": "elbo", "value": 5.393, "n": 296})
    return with_variant(config, variant)
