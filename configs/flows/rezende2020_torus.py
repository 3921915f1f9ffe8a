r"""Circular splines on the torus: couplings of two angles.

Paper: Rezende et al., Normalizing Flows on Tori and Spheres, 2020, https://arxiv.org/abs/2002.02428
Data: generated
Command: python -m experiments.train --workdir=runs/rezende2020_torus \
    --config=configs/flows/rezende2020_torus.py
Expected: 0.377 ± 0.008 nats a test point (kind exact, n 10000, training seed 0).
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import flows
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.vectors(flows.vector_config(), "torus")
    config.flow.update({"name": "torus", "options": ConfigDict({"depth": 4, "bins": 8})})
    config.base = "uniform_angle"
    config.expected = ConfigDict({"metric": "nats", "kind": "exact", "value": 0.377, "n": 10000})
    return with_variant(config, variant)
