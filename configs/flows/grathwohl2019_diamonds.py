r"""FFJORD on 53,626 diamonds, seven numbers each: one continuous layer.

Paper: Grathwohl et al., FFJORD: Free-form Continuous Dynamics for Scalable Reversible Generative Models, 2019, https://arxiv.org/abs/1810.01367
Data: python -m genjax_models.data fetch diamonds
Command: python -m experiments.train --workdir=runs/grathwohl2019_diamonds \
    --config=configs/flows/grathwohl2019_diamonds.py
Expected: -3.626 ± 0.034 nats a test point (kind ode, n 5362, seed 0); 118 seconds on a shared x86-64 core. A normal
    with full covariance has -3.187.
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
        "diamonds",
        net={"name": "genjax_models.nets.PlainMLP", "width": 64, "depth": 3, "activation": "silu"},
    )
    config.flow.update({"name": "continuous", "options": ConfigDict()})
    config.expected = ConfigDict({"metric": "nats", "kind": "ode", "value": -3.626, "n": 5362})
    return with_variant(config, variant)
