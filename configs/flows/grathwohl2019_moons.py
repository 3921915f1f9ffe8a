r"""FFJORD on the two moons: one continuous layer.

Paper: Grathwohl et al., FFJORD: Free-form Continuous Dynamics for Scalable Reversible Generative Models, 2019, https://arxiv.org/abs/1810.01367
Data: generated
Command: python -m experiments.train --workdir=runs/grathwohl2019_moons \
    --config=configs/flows/grathwohl2019_moons.py
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
        "moons",
        net={"name": "genjax_models.nets.PlainMLP", "width": 64, "depth": 3, "activation": "silu"},
    )
    config.flow.update({"name": "continuous", "options": ConfigDict()})
    return with_variant(config, variant)
