r"""RQ-NSF (AR) on the checkerboard: autoregressive rational-quadratic splines.

Paper: Durkan et al., Neural Spline Flows, 2019, https://arxiv.org/abs/1906.04032
Data: generated
Command: python -m experiments.train --workdir=runs/durkan2019_autoregressive_checkerboard \
    --config=configs/flows/durkan2019_autoregressive_checkerboard.py
Expected: not measured yet.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import flows, recipes
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.plane(
        flows.vector_config(),
        "checkerboard",
        net={"name": "genjax_models.nets.MADE", "width": 64, "depth": 2, "residual": True},
    )
    config.flow.update({"name": "spline_autoregressive", "options": ConfigDict({"depth": 5, "bins": 8})})
    return with_variant(config, variant)
