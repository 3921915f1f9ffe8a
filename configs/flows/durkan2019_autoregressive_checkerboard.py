r"""RQ-NSF (AR) on the checkerboard: autoregressive rational-quadratic splines.

Paper: Durkan et al., Neural Spline Flows, 2019, https://arxiv.org/abs/1906.04032
Data: generated
Command: python -m experiments.train --workdir=runs/durkan2019_autoregressive_checkerboard \
    --config=configs/flows/durkan2019_autoregressive_checkerboard.py
Expected: 0.798 ± 0.002 nats a test point (kind exact, n 10000, mean and standard error over training seeds 0 to 2;
    the density itself: 0.693).
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
        "checkerboard",
        net={"name": "genjax_models.nets.MADE", "width": 64, "depth": 2, "residual": True},
    )
    config.flow.update({"name": "spline_autoregressive", "options": ConfigDict({"depth": 5, "bins": 8})})
    config.expected = ConfigDict({"metric": "nats", "kind": "exact", "value": 0.798, "n": 10000})
    return with_variant(config, variant)
