r"""The conditional GAN on the embedded 8x8 digits: both networks hear the class.

Paper: Mirza and Osindero, Conditional Generative Adversarial Nets, 2014, https://arxiv.org/abs/1411.1784
Command: python -m experiments.train --workdir=runs/mirza2014_digits \
    --config=configs/gan/mirza2014_digits.py
Expected: not measured yet.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import gan, recipes
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_digits(gan.get_config(), **recipes.GAN_PERCEPTRONS)
    config.conditional = True
    return with_variant(config, variant)
