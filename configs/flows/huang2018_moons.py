r"""NAF on the two moons: autoregressive layers of deep sigmoids.

Paper: Huang et al., Neural Autoregressive Flows, 2018, https://arxiv.org/abs/1804.00779
Data: generated
Command: python -m experiments.train --workdir=runs/huang2018_moons \
    --config=configs/flows/huang2018_moons.py
Expected: -0.113 ± 0.007 nats a test point (kind exact, n 10000, seed 0); 35 seconds on a shared x86-64 core. The
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
        net={"name": "genjax_models.nets.MADE", "width": 64, "depth": 2, "out_std": 1e-3},
    )
    config.flow.update({"name": "neural_autoregressive", "options": ConfigDict({"depth": 2, "units": 16})})
    config.expected = ConfigDict({"metric": "nats", "kind": "exact", "value": -0.113, "n": 10000})
    return with_variant(config, variant)
