r"""RQ-NSF (C) on the two moons: couplings of rational-quadratic splines.

Paper: Durkan et al., Neural Spline Flows, 2019, https://arxiv.org/abs/1906.04032
Data: generated
Command: python -m experiments.train --workdir=runs/durkan2019_moons \
    --config=configs/flows/durkan2019_moons.py
Expected: -0.182 ± 0.013 nats a test point (kind exact, n 10000, mean and standard error over training seeds 0 to 2;
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
    config.flow.update({"name": "spline_coupling", "options": ConfigDict({"depth": 4, "bins": 8})})
    config.expected = ConfigDict({"metric": "nats", "kind": "exact", "value": -0.182, "n": 10000})
    return with_variant(config, variant)
