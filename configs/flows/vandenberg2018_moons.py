r"""Sylvester flow on the two moons: eight Sylvester layers.

Paper: van den Berg et al., Sylvester Normalizing Flows for Variational Inference, 2018, https://arxiv.org/abs/1803.05649
Data: generated
Command: python -m experiments.train --workdir=runs/vandenberg2018_moons \
    --config=configs/flows/vandenberg2018_moons.py
Expected: 0.094 ± 0.008 nats a test point (kind exact, n 10000, seed 0); 13 seconds on a shared x86-64 core. The
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
    config.flow.update({"name": "sylvester", "options": ConfigDict({"depth": 8, "units": 2})})
    config.expected = ConfigDict({"metric": "nats", "kind": "exact", "value": 0.094, "n": 10000})
    return with_variant(config, variant)
