r"""MAF on the Texas housing market, five numbers a month: autoregressive affine layers, as many as RealNVP's couplings.

Paper: Papamakarios et al., Masked Autoregressive Flow for Density Estimation, 2017, https://arxiv.org/abs/1705.07057
Data: python -m genjax_models.data fetch txhousing
Command: python -m experiments.train --workdir=runs/papamakarios2017_txhousing \
    --config=configs/flows/papamakarios2017_txhousing.py
Expected: not measured yet.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import flows, recipes
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.table(
        flows.vector_config(),
        "txhousing",
        net={"name": "genjax_models.nets.MADE", "width": 64, "depth": 2, "residual": True},
    )
    config.flow.update({"name": "maf", "options": ConfigDict({"depth": 10, "normalize": True})})
    return with_variant(config, variant)
