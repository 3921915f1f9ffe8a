r"""RealNVP on the digits: two scales of checkerboard and channel couplings.

Paper: Dinh et al., Density Estimation using Real NVP, 2017, https://arxiv.org/abs/1605.08803
Command: python -m experiments.train --workdir=runs/dinh2017_digits \
    --config=configs/flows/dinh2017_digits.py
Expected: not measured yet.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import flows, recipes
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(flows.get_config(), net=recipes.RESNET)
    config.flow.update({"name": "real_nvp", "options": ConfigDict({"levels": 2})})
    return with_variant(config, variant)
