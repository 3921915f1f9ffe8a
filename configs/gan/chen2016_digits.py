r"""InfoGAN on the embedded 8x8 digits: a code of ten values and two continuous ones.

Paper: Chen et al., InfoGAN: Interpretable Representation Learning by Information Maximizing Generative Adversarial
    Nets, 2016, https://arxiv.org/abs/1606.03657
Command: python -m experiments.train --workdir=runs/chen2016_digits \
    --config=configs/gan/chen2016_digits.py
Expected: not measured yet.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import gan, recipes
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_digits(gan.get_config(), **recipes.DCGAN_DIGITS)
    config.head.update({"name": "info", "options": ConfigDict({"categorical": (10,), "continuous": 2})})
    return with_variant(config, variant)
