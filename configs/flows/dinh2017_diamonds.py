r"""RealNVP on 53,626 diamonds, seven numbers each: affine couplings.

Paper: Dinh et al., Density Estimation using Real NVP, 2017, https://arxiv.org/abs/1605.08803
Data: python -m genjax_models.data fetch diamonds
Command: python -m experiments.train --workdir=runs/dinh2017_diamonds \
    --config=configs/flows/dinh2017_diamonds.py
Expected: -3.860 ± 0.026 nats a test row (kind exact, n 5362, mean and standard error over training
    seeds 0 to 2; a normal with full covariance: -3.187).
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import flows
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.vectors(flows.vector_config(), "diamonds")
    config.flow.update({"name": "real_nvp", "options": ConfigDict({"depth": 5})})
    config.expected = ConfigDict({"metric": "nats", "kind": "exact", "value": -3.860, "n": 5362})
    return with_variant(config, variant)
