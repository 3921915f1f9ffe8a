r"""DiffAugment on the embedded 8x8 digits: translation and cutout of all that the discriminator sees.

Paper: Zhao et al., Differentiable Augmentation for Data-Efficient GAN Training, 2020, https://arxiv.org/abs/2006.10738
Command: python -m experiments.train --workdir=runs/zhao2020_digits \
    --config=configs/gan/zhao2020_digits.py
Expected: Fréchet distance 11.0, kernel distance 2.67, precision 0.49, recall 0.84 (750 samples, seed 0, digits
    features; real images against real 3.2); 92 seconds on a shared x86-64 core.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import gan
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_digits(gan.get_config(), **recipes.DCGAN_DIGITS)
    config.augment.update({"name": "diff", "options": ConfigDict({"policy": ("translation", "cutout")})})
    config.expected = ConfigDict(
        {"sampler": "prior", "steps": 1, "metric": "Fréchet distance", "value": 11.0, "n": 750}
    )
    return with_variant(config, variant)
