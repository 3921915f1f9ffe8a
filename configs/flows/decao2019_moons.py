r"""BNAF on the two moons: block-triangular networks.

Paper: De Cao et al., Block Neural Autoregressive Flow, 2019, https://arxiv.org/abs/1904.04676
Data: generated
Command: python -m experiments.train --workdir=runs/decao2019_moons \
    --config=configs/flows/decao2019_moons.py
Expected: 0.556 ± 0.006 nats a test point (kind exact, n 10000, seed 0); 65 seconds on a shared x86-64 core. The
    density itself has -0.205.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import flows
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.vectors(flows.vector_config(), "moons")
    config.flow.update({"name": "block_autoregressive", "options": ConfigDict({"depth": 2, "hidden": 2, "units": 50})})
    config.expected = ConfigDict({"metric": "nats", "kind": "exact", "value": 0.556, "n": 10000})
    return with_variant(config, variant)
