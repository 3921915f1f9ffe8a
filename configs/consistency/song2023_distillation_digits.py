r"""Consistency distillation on 8x8 digits of an EDM model, which the same command trains first.

Paper: Song et al., Consistency Models, 2023, https://arxiv.org/abs/2303.01469
Command: python -m experiments.train --workdir=runs/cd_digits \
    --config=configs/consistency/song2023_distillation_digits.py
Expected: Fréchet distance 2.7 at one step, 2.3 at two, 2.1 at four (750 samples, seed 0, digits features; real images
    against real 3.2).
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from configs.diffusion import karras2022_digits
from experiments.config import recipes
from experiments.config.variants import with_variant
from experiments.consistency import distillation


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(distillation.get_config())
    config.teacher = karras2022_digits.get_config()
    config.expected = ConfigDict(
        {"sampler": "multistep", "steps": 1, "metric": "Fréchet distance", "value": 2.7, "n": 750}
    )
    return with_variant(config, variant)
