r"""RQ-NSF (AR) on the Texas housing market, five numbers a month: autoregressive rational-quadratic splines.

Paper: Durkan et al., Neural Spline Flows, 2019, https://arxiv.org/abs/1906.04032
Data: python -m genjax_models.data fetch txhousing
Command: python -m experiments.train --workdir=runs/durkan2019_autoregressive_txhousing \
    --config=configs/flows/durkan2019_autoregressive_txhousing.py
Expected: 1.174 ± 0.018 nats a test row (kind exact, n 1410, mean and standard error over training seeds 0 to 2; a
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
    config.flow.update({"name": "spline_autoregressive", "options": ConfigDict({"depth": 5, "bins": 8})})
    config.expected = ConfigDict({"metric": "nats", "kind": "exact", "value": 1.174, "n": 1410})
    return with_variant(config, variant)
