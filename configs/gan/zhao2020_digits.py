r"""DiffAugment on the embedded 8x8 digits: all that is judged is moved and cut.

Paper: Zhao et al., Differentiable Augmentation for Data-Efficient GAN Training, 2020, https://arxiv.org/abs/2006.10738
Command: python -m experiments.train --workdir=runs/zhao2020_digits \
    --config=configs/gan/zhao2020_digits.py
Expected: not measured yet.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import gan, recipes
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_digits(gan.get_config(), **recipes.DCGAN_DIGITS)
    config.augment.update({"name": "diff", "options": ConfigDict({"policy": ("translation", "cutout")})})
    return with_variant(config, variant)
