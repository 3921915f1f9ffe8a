r"""DRAGAN on the embedded 8x8 digits: a gradient penalty around the data alone.

Paper: Kodali et al., On Convergence and Stability of GANs, 2017, https://arxiv.org/abs/1705.07215
Command: python -m experiments.train --workdir=runs/kodali2017_digits \
    --config=configs/gan/kodali2017_digits.py
Expected: not measured yet.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import gan, recipes
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_digits(gan.get_config(), **recipes.DCGAN_CRITIC_DIGITS)
    config.penalties = (("dragan", 10.0, 1),)
    return with_variant(config, variant)
