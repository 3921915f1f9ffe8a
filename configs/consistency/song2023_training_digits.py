r"""Consistency training on 8x8 digits with squared distance to an average of the model, and a doubling curriculum.

Paper: Song et al., Consistency Models, 2023, https://arxiv.org/abs/2303.01469
Command: python -m experiments.train --workdir=runs/ct_digits \
    --config=configs/consistency/song2023_training_digits.py
Expected: Fréchet distance 8.0 at one step, 6.9 at two, 5.7 at four (750 samples, seed 0, digits features; real images
    against real 3.2).
Otherwise here: the number of intervals doubles, as in the second paper, and the target forgets a twentieth a step. The
    first paper's own (`curriculum="square_root"`, 1 to 150 intervals, decay 0.9 at first) are made for 800,000 steps:
    with them one step is at 50.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import consistency
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(consistency.get_config())
    config.update({"metric": "l2", "gap": "equal", "position": "uniform", "target_decay": 0.95})
    config.intervals = ConfigDict({"first": 2, "last": 150})
    config.expected = ConfigDict(
        {"sampler": "multistep", "steps": 1, "metric": "Fréchet distance", "value": 8.0, "n": 750}
    )
    return with_variant(config, variant)
