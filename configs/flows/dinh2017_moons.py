r"""RealNVP on the two moons: affine couplings.

Paper: Dinh et al., Density Estimation using Real NVP, 2017, https://arxiv.org/abs/1605.08803
Data: generated
Command: python -m experiments.train --workdir=runs/dinh2017_moons \
    --config=configs/flows/dinh2017_moons.py
Expected: -0.105 ± 0.029 nats a test point (kind exact, n 10000, mean and standard error over training seeds 0 to 2;
    the density itself: -0.205).
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import flows
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.vectors(flows.vector_config(), "moons")
    config.flow.update({"name": "real_nvp", "options": ConfigDict({"depth": 4})})
    config.expected = ConfigDict({"metric": "nats", "kind": "exact", "value": -0.105, "n": 10000})
    return with_variant(config, variant)
