r"""DCGAN on the embedded 8x8 digits.

Paper: Radford et al., Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks,
    2016, https://arxiv.org/abs/1511.06434
Command: python -m experiments.train --workdir=runs/radford2016_digits \
    --config=configs/gan/radford2016_digits.py
Expected: not measured yet.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import gan, recipes
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_digits(gan.get_config(), **recipes.DCGAN)
    return with_variant(config, variant)
