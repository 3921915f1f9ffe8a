r"""FFJORD on the two moons: one continuous layer.

Paper: Grathwohl et al., FFJORD: Free-form Continuous Dynamics for Scalable Reversible Generative Models, 2019, https://arxiv.org/abs/1810.01367
Data: generated
Command: python -m experiments.train --workdir=runs/grathwohl2019_moons \
    --config=configs/flows/grathwohl2019_moons.py
Expected: -0.162 ± 0.007 nats a test point (kind ode, n 10000, seed 0); 126 seconds on a shared x86-64 core. The
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
        flows.vector_config(),
        "moons",
        net={"name": "genjax_models.nets.PlainMLP", "width": 64, "depth": 3, "activation": "silu"},
    )
    config.flow.update({"name": "continuous", "options": ConfigDict()})
    config.expected = ConfigDict({"metric": "nats", "kind": "ode", "value": -0.162, "n": 10000})
    return with_variant(config, variant)
