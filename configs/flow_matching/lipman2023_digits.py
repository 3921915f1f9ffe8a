r"""Flow matching on 8x8 digits.

Paper: Lipman et al., Flow Matching for Generative Modeling, 2023, https://arxiv.org/abs/2210.02747
Command: python -m experiments.train --workdir=runs/fm_digits \
    --config=configs/flow_matching/lipman2023_digits.py
Expected: Fréchet distance 2.5 at 50 Euler steps (750 samples, seed 0, digits features; real images against real 3.2).
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import flow_matching
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(flow_matching.get_config())
    config.expected = ConfigDict(
        {"sampler": "euler", "steps": 50, "metric": "Fréchet distance", "value": 2.5, "n": 750}
    )
    return with_variant(config, variant)
