r"""Planar flow on the two moons: sixteen planar layers, fitted to the formula of the density by the reverse divergence.

Paper: Rezende and Mohamed, Variational Inference with Normalizing Flows, 2015, https://arxiv.org/abs/1505.05770
Data: generated
Command: python -m experiments.train --workdir=runs/rezende2015_moons \
    --config=configs/flows/rezende2015_moons.py
Expected: 3.861 ± 0.043 nats a test point (kind exact, n 10000, seed 0); 31 seconds on a shared x86-64 core. It is
    fitted by reverse KL, which covers what it pleases of the data; the density itself has -0.205.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import flows
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.vectors(flows.vector_config(), "moons")
    config.flow.update({"name": "planar", "options": ConfigDict({"depth": 16})})
    config.objective = "reverse_kl"
    config.expected = ConfigDict({"metric": "nats", "kind": "exact", "value": 3.861, "n": 10000})
    return with_variant(config, variant)
