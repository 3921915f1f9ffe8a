r"""RealNVP on the checkerboard: affine couplings.

Paper: Dinh et al., Density Estimation using Real NVP, 2017, https://arxiv.org/abs/1605.08803
Data: generated
Command: python -m experiments.train --workdir=runs/dinh2017_checkerboard \
    --config=configs/flows/dinh2017_checkerboard.py
Expected: 0.881 ± 0.015 nats a test point (kind exact, n 10000, mean and standard error over training seeds 0 to 2;
    the density itself: 0.693).
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import flows
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.vectors(flows.vector_config(), "checkerboard")
    config.flow.update({"name": "real_nvp", "options": ConfigDict({"depth": 5})})
    config.expected = ConfigDict({"metric": "nats", "kind": "exact", "value": 0.881, "n": 10000})
    return with_variant(config, variant)
