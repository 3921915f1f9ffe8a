r"""MAF on the Texas housing market, five numbers a month: autoregressive affine layers, as many as RealNVP's couplings.

Paper: Papamakarios et al., Masked Autoregressive Flow for Density Estimation, 2017, https://arxiv.org/abs/1705.07057
Data: python -m genjax_models.data fetch txhousing
Command: python -m experiments.train --workdir=runs/papamakarios2017_txhousing \
    --config=configs/flows/papamakarios2017_txhousing.py
Expected: 1.529 ± 0.119 nats a test row (kind exact, n 1410, mean and standard error over training seeds 0 to 2; a
    normal with full covariance: 2.301).
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import flows
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.vectors(
        flows.vector_config(),
        "txhousing",
        net={"name": "genjax_models.nets.MADE", "width": 64, "depth": 2, "residual": True},
    )
    config.flow.update({"name": "maf", "options": ConfigDict({"depth": 10, "normalize": True})})
    config.expected = ConfigDict({"metric": "nats", "kind": "exact", "value": 1.529, "n": 1410})
    return with_variant(config, variant)
