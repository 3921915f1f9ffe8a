r"""RQ-NSF (C) on the digits: two levels of four steps with splines inside.

Paper: Durkan et al., Neural Spline Flows, 2019, https://arxiv.org/abs/1906.04032
Command: python -m experiments.train --workdir=runs/durkan2019_digits \
    --config=configs/flows/durkan2019_digits.py
Expected: 4.77 ± 0.02 bits/dim (kind elbo: dequantised; n 296 test images, seed 0); samples at a Fréchet distance of
    11.8 (750, digits features; real against real 3.2); 197 seconds on a shared x86-64 core.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import flows
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(flows.get_config(), net=recipes.RESNET)
    config.flow.update({"name": "spline_coupling", "options": ConfigDict({"levels": 2, "depth": 4, "bins": 8})})
    config.train.steps = 500
    config.expected = ConfigDict({"metric": "bits/dim", "kind": "elbo", "value": 4.773, "n": 296})
    return with_variant(config, variant)
