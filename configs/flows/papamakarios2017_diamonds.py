r"""MAF on 53,626 diamonds, seven numbers each: autoregressive affine layers, as many as RealNVP's couplings.

Paper: Papamakarios et al., Masked Autoregressive Flow for Density Estimation, 2017, https://arxiv.org/abs/1705.07057
Data: python -m genjax_models.data fetch diamonds
Command: python -m experiments.train --workdir=runs/papamakarios2017_diamonds \
    --config=configs/flows/papamakarios2017_diamonds.py
Expected: -3.888 ± 0.004 nats a test row (kind exact, n 5362, mean and standard error over training
    seeds 0 to 2; a normal with full covariance: -3.187).
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
        "diamonds",
        net={"name": "genjax_models.nets.MADE", "width": 64, "depth": 2, "residual": True},
    )
    config.flow.update({"name": "maf", "options": ConfigDict({"depth": 10, "normalize": True})})
    config.expected = ConfigDict({"metric": "nats", "kind": "exact", "value": -3.888, "n": 5362})
    return with_variant(config, variant)
