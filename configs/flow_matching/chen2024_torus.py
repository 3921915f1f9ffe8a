r"""Riemannian flow matching on the torus: paths along its geodesics, to uniform angles.

Paper: Chen and Lipman, Flow Matching on General Geometries, 2024, https://arxiv.org/abs/2302.03660
Data: generated
Command: python -m experiments.train --workdir=runs/chen2024_torus \
    --config=configs/flow_matching/chen2024_torus.py
Expected: 0.386 ± 0.009 nats a test point (kind ode, n 10000, training seed 0), where the data density has
    0.370 ± 0.008 and circular splines (`configs/flows/rezende2020_torus.py`) 0.377; a minute of a shared x86-64 core.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments.config import recipes
from experiments.config.variants import with_variant
from experiments.flow_matching import riemannian


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.vectors(riemannian.get_config(), "torus")
    config.expected = ConfigDict({"metric": "nats", "kind": "ode", "value": 0.386, "n": 10000})
    return with_variant(config, variant)
