r"""RQ-NSF (C) on the checkerboard: couplings of rational-quadratic splines.

Paper: Durkan et al., Neural Spline Flows, 2019, https://arxiv.org/abs/1906.04032
Data: generated
Command: python -m experiments.train --workdir=runs/durkan2019_checkerboard \
    --config=configs/flows/durkan2019_checkerboard.py
Expected: 0.885 ± 0.010 nats a test point (kind exact, n 10000, mean and standard error over training seeds 0 to 2;
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
    config.flow.update({"name": "spline_coupling", "options": ConfigDict({"depth": 5, "bins": 8})})
    config.expected = ConfigDict({"metric": "nats", "kind": "exact", "value": 0.885, "n": 10000})
    return with_variant(config, variant)
