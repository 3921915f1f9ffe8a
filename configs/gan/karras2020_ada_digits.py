r"""Adaptive discriminator augmentation on the embedded 8x8 digits.

Paper: Karras et al., Training Generative Adversarial Networks with Limited Data, 2020, https://arxiv.org/abs/2006.06676
Command: python -m experiments.train --workdir=runs/karras2020_ada_digits \
    --config=configs/gan/karras2020_ada_digits.py
Expected: Fréchet distance 5.2, kernel distance 0.75, precision 0.58, recall 0.93 (750 samples, seed 0, digits features;
    real images against real 3.2); 59 seconds on a shared x86-64 core.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import gan
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_digits(gan.get_config(), **recipes.DCGAN_DIGITS)
    config.augment.update({"name": "ada", "options": ConfigDict({"thousands": 100.0})})
    config.expected = ConfigDict({"sampler": "prior", "steps": 1, "metric": "Fréchet distance", "value": 5.2, "n": 750})
    return with_variant(config, variant)
