r"""RealNVP on the Texas housing market, five numbers a month: affine couplings.

Paper: Dinh et al., Density Estimation using Real NVP, 2017, https://arxiv.org/abs/1605.08803
Data: python -m genjax_models.data fetch txhousing
Command: python -m experiments.train --workdir=runs/dinh2017_txhousing \
    --config=configs/flows/dinh2017_txhousing.py
Expected: 1.433 ± 0.027 nats a test row (kind exact, n 1410, mean and standard error over training seeds 0 to 2; a
    normal with full covariance: 2.301).
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import flows
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.vectors(flows.vector_config(), "txhousing")
    config.flow.update({"name": "real_nvp", "options": ConfigDict({"depth": 5})})
    config.expected = ConfigDict({"metric": "nats", "kind": "exact", "value": 1.433, "n": 1410})
    return with_variant(config, variant)
