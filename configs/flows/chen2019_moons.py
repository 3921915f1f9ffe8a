r"""Residual flow on the two moons: eight contracting layers, the unbiased log-determinant.

Paper: Chen et al., Residual Flows for Invertible Generative Modeling, 2019, https://arxiv.org/abs/1906.02735
Data: generated
Command: python -m experiments.train --workdir=runs/chen2019_moons \
    --config=configs/flows/chen2019_moons.py
Expected: 0.073 ± 0.007 nats a test point (kind exact, n 10000, seed 0); 155 seconds on a shared x86-64 core. The
    density itself has -0.205.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import flows
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.vectors(
        flows.vector_config(), "moons", net={"name": "genjax_models.nets.LipschitzMLP", "width": 64, "depth": 2}
    )
    config.flow.update({"name": "residual", "options": ConfigDict({"depth": 8})})
    config.expected = ConfigDict({"metric": "nats", "kind": "exact", "value": 0.073, "n": 10000})
    return with_variant(config, variant)
