r"""NICE on the digits: additive couplings of the flattened image, logistic base.

Paper: Dinh et al., NICE: Non-linear Independent Components Estimation, 2015, https://arxiv.org/abs/1410.8516
Command: python -m experiments.train --workdir=runs/dinh2015_digits \
    --config=configs/flows/dinh2015_digits.py
Expected: 5.90 ± 0.03 bits/dim (kind elbo: dequantised; n 296 test images, seed 0); samples at a Fréchet distance of
    16.0 (750, digits features; real against real 3.2); 384 seconds on a shared x86-64 core.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import flows
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(flows.get_config(), net={"name": "genjax_models.nets.MLP", "width": 256, "depth": 2})
    config.flow.update({"name": "nice", "options": ConfigDict({"depth": 4})})
    config.base = "logistic"
    config.expected = ConfigDict({"metric": "bits/dim", "kind": "elbo", "value": 5.899, "n": 296})
    return with_variant(config, variant)
