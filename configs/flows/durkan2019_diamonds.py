r"""RQ-NSF (C) on 53,626 diamonds, seven numbers each: couplings of rational-quadratic splines.

Paper: Durkan et al., Neural Spline Flows, 2019, https://arxiv.org/abs/1906.04032
Data: python -m genjax_models.data fetch diamonds
Command: python -m experiments.train --workdir=runs/durkan2019_diamonds \
    --config=configs/flows/durkan2019_diamonds.py
Expected: -4.081 ± 0.025 nats a test row (kind exact, n 5362, mean and standard error over training
    seeds 0 to 2; a normal with full covariance: -3.187).
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import flows
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.vectors(flows.vector_config(), "diamonds")
    config.flow.update({"name": "spline_coupling", "options": ConfigDict({"depth": 5, "bins": 8})})
    config.expected = ConfigDict({"metric": "nats", "kind": "exact", "value": -4.081, "n": 5362})
    return with_variant(config, variant)
