r"""2-rectified flow on 8x8 digits: trained on the pairs of a first flow, which the same command trains first.

Paper: Liu et al., Flow Straight and Fast: Learning to Generate and Transfer Data with Rectified Flow, 2023, https://arxiv.org/abs/2209.03003
Command: python -m experiments.train --workdir=runs/reflow_digits \
    --config=configs/flow_matching/liu2023_digits.py
Expected: Fréchet distance 3.9 at one Euler step, where the first flow is at 260, and 2.6 at 50 (750 samples, seed 0,
    digits features; real images against real 3.2).
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from configs.flow_matching import lipman2023_digits
from experiments.config import recipes
from experiments.config.variants import with_variant
from experiments.flow_matching import reflow


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(reflow.get_config())
    config.teacher = lipman2023_digits.get_config()
    config.time = config.teacher.time.copy_and_resolve_references()
    config.eval.rows = tuple(("euler", steps) for steps in (1, 2, 4, 10, 50))
    config.expected = ConfigDict({"sampler": "euler", "steps": 1, "metric": "Fréchet distance", "value": 3.9, "n": 750})
    return with_variant(config, variant)
