"""Flow matching on 8x8 digits.

Paper: Lipman et al., Flow Matching for Generative Modeling, 2023, https://arxiv.org/abs/2210.02747
Command: python -m experiments.train --config=configs/flow_matching/lipman2023_digits.py --workdir=runs/flow_matching_digits
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import flow_matching
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = flow_matching.get_config()
    config.train.update({"steps": 3000, "batch_size": 128})
    config.eval.rows = (
        ("euler", 1),
        ("euler", 2),
        ("euler", 5),
        ("euler", 10),
        ("euler", 50),
        ("heun", 5),
        ("heun", 10),
    )
    return with_variant(config, variant)
