r"""Balanced consistency regularisation on the embedded 8x8 digits.

Paper: Zhao et al., Improved Consistency Regularization for GANs, 2021, https://arxiv.org/abs/2002.04724
Command: python -m experiments.train --workdir=runs/zhao2021_digits \
    --config=configs/gan/zhao2021_digits.py
Expected: Fréchet distance 8.8, kernel distance 2.05, precision 0.55, recall 0.90 (750 samples, seed 0, digits
    features; real images against real 3.2); 107 seconds on a shared x86-64 core.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import gan
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_digits(gan.get_config(), **recipes.DCGAN_DIGITS)
    config.consistency = 10.0
    config.augment.update({"name": "diff", "options": ConfigDict({"policy": ("translation",)})})
    config.expected = ConfigDict({"sampler": "prior", "steps": 1, "metric": "Fréchet distance", "value": 8.8, "n": 750})
    return with_variant(config, variant)
