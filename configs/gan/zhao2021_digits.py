r"""Balanced consistency regularisation on the embedded 8x8 digits.

Paper: Zhao et al., Improved Consistency Regularization for GANs, 2021, https://arxiv.org/abs/2002.04724
Command: python -m experiments.train --workdir=runs/zhao2021_digits \
    --config=configs/gan/zhao2021_digits.py
Expected: not measured yet.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import gan, recipes
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_digits(gan.get_config(), **recipes.DCGAN_DIGITS)
    config.consistency = 10.0
    config.augment.update({"name": "diff", "options": ConfigDict({"policy": ("translation",)})})
    return with_variant(config, variant)
