r"""RealNVP on the digits: two scales of checkerboard and channel couplings.

Paper: Dinh et al., Density Estimation using Real NVP, 2017, https://arxiv.org/abs/1605.08803
Command: python -m experiments.train --workdir=runs/dinh2017_digits \
    --config=configs/flows/dinh2017_digits.py
Expected: 4.71 ± 0.03 bits/dim (kind elbo: dequantised; n 296 test images, seed 0); samples at a Fréchet distance of
    16.2 (750, digits features; real against real 3.2); 178 seconds on a shared x86-64 core. With 3,000 steps it
    overfits the 1,501 training images: 10.0 bits/dim of the test images.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import flows
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(flows.get_config(), net=recipes.RESNET)
    config.flow.update({"name": "real_nvp", "options": ConfigDict({"levels": 2})})
    config.train.steps = 500
    config.expected = ConfigDict({"metric": "bits/dim", "kind": "elbo", "value": 4.71, "n": 296})
    return with_variant(config, variant)
