r"""TarFlow on the digits: four causal transformers over 2x2 patches, in turns.

Paper: Zhai et al., Normalizing Flows are Capable Generative Models, 2024, https://arxiv.org/abs/2412.06329
Command: python -m experiments.train --workdir=runs/zhai2024_digits \
    --config=configs/flows/zhai2024_digits.py
Expected: 5.31 ± 0.02 bits/dim (kind elbo: dequantised; n 296 test images, seed 0); samples at a Fréchet distance of
    38.4 (750, digits features; real against real 3.2); 79 seconds on a shared x86-64 core.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import flows
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(
        flows.get_config(), net={"name": "genjax_models.nets.CausalTransformer", "width": 64, "depth": 2, "heads": 4}
    )
    config.flow.update({"name": "tarflow", "options": ConfigDict({"patch_size": 2, "depth": 4})})
    config.train.steps = 500
    config.expected = ConfigDict({"metric": "bits/dim", "kind": "elbo", "value": 5.306, "n": 296})
    return with_variant(config, variant)
