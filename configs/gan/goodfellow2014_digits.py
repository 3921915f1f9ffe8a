r"""The first GAN on the embedded 8x8 digits: perceptrons, the non-saturating game.

Paper: Goodfellow et al., Generative Adversarial Networks, 2014, https://arxiv.org/abs/1406.2661
Command: python -m experiments.train --workdir=runs/goodfellow2014_digits \
    --config=configs/gan/goodfellow2014_digits.py
Expected: not measured yet.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import gan, recipes
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_digits(gan.get_config(), **recipes.GAN_PERCEPTRONS)
    return with_variant(config, variant)
