r"""DCGAN on the embedded 8x8 digits.

Paper: Radford et al., Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks,
    2016, https://arxiv.org/abs/1511.06434
Command: python -m experiments.train --workdir=runs/radford2016_digits \
    --config=configs/gan/radford2016_digits.py
Expected: Fréchet distance 5.2 (750 samples, seed 0, digits features; real images against real 3.2).
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import gan
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_digits(gan.get_config(), **recipes.DCGAN_DIGITS)
    config.expected = ConfigDict({"sampler": "prior", "steps": 1, "metric": "Fréchet distance", "value": 5.2, "n": 750})
    return with_variant(config, variant)
