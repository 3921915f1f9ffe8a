r"""Flow++ on the digits: mixtures of logistics inside the couplings, variational dequantisation.

Paper: Ho et al., Flow++: Improving Flow-Based Generative Models with Variational Dequantization, 2019, https://arxiv.org/abs/1902.00275
Command: python -m experiments.train --workdir=runs/ho2019_digits \
    --config=configs/flows/ho2019_digits.py
Expected: 4.46 ± 0.03 bits/dim (kind elbo: dequantised; n 296 test images, seed 0); samples at a Fréchet distance of
    16.6 (750, digits features; real against real 3.2); 252 seconds on a shared x86-64 core.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import flows
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(
        flows.get_config(),
        net={"name": "genjax_models.nets.ResNetConditioner", "width": 32, "depth": 2, "out_std": 1e-3},
    )
    config.flow.update({"name": "flow_plus_plus", "options": ConfigDict({"components": 8})})
    config.dequantization.update({"name": "variational", "depth": 2})
    config.train.steps = 500
    config.expected = ConfigDict({"metric": "bits/dim", "kind": "elbo", "value": 4.459, "n": 296})
    return with_variant(config, variant)
