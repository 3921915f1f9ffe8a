r"""BiGAN on the embedded 8x8 digits: a generator and its inverse.

Paper: Donahue et al., Adversarial Feature Learning, 2017, https://arxiv.org/abs/1605.09782
Command: python -m experiments.train --workdir=runs/donahue2017_digits \
    --config=configs/gan/donahue2017_digits.py
Expected: not measured yet.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import bigan, recipes
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_digits(bigan.get_config(), **recipes.GAN_PERCEPTRONS)
    config.encoder.update({"widths": (256, 256), "activation": "leaky_relu"})
    return with_variant(config, variant)
