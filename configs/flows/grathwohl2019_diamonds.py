r"""FFJORD on 53,626 diamonds, seven numbers each: one continuous layer.

Paper: Grathwohl et al., FFJORD: Free-form Continuous Dynamics for Scalable Reversible Generative Models, 2019, https://arxiv.org/abs/1810.01367
Data: python -m genjax_models.data fetch diamonds
Command: python -m experiments.train --workdir=runs/grathwohl2019_diamonds \
    --config=configs/flows/grathwohl2019_diamonds.py
Expected: not measured yet.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import flows, recipes
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.table(
        flows.vector_config(),
        "diamonds",
        net={"name": "genjax_models.nets.PlainMLP", "width": 64, "depth": 3, "activation": "silu"},
    )
    config.flow.update({"name": "continuous", "options": ConfigDict()})
    return with_variant(config, variant)
