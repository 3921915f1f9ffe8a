r"""MAF on the two moons: autoregressive affine layers, as many as RealNVP's couplings.

Paper: Papamakarios et al., Masked Autoregressive Flow for Density Estimation, 2017, https://arxiv.org/abs/1705.07057
Data: generated
Command: python -m experiments.train --workdir=runs/papamakarios2017_moons \
    --config=configs/flows/papamakarios2017_moons.py
Expected: -0.181 ± 0.005 nats a test point (kind exact, n 10000, mean and standard error over training seeds 0 to 2;
    the density itself: -0.205).
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
        "moons",
        net={"name": "genjax_models.nets.MADE", "width": 64, "depth": 2, "residual": True},
    )
    config.flow.update({"name": "maf", "options": ConfigDict({"depth": 8, "normalize": True})})
    config.expected = ConfigDict({"metric": "nats", "kind": "exact", "value": -0.181, "n": 10000})
    return with_variant(config, variant)
