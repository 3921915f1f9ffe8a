r"""The conditional GAN on the embedded 8x8 digits: both networks are conditioned on the class.

Paper: Mirza and Osindero, Conditional Generative Adversarial Nets, 2014, https://arxiv.org/abs/1411.1784
Command: python -m experiments.train --workdir=runs/mirza2014_digits \
    --config=configs/gan/mirza2014_digits.py
Expected: Fréchet distance 3.6, kernel distance 0.10, precision 0.67, recall 0.69 (750 samples, seed 0, digits
    features; real images against real 3.2); 24 seconds on a shared x86-64 core.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import gan
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_digits(gan.get_config(), **recipes.GAN_PERCEPTRONS)
    config.condition = ("label",)
    config.expected = ConfigDict({"sampler": "prior", "steps": 1, "metric": "Fréchet distance", "value": 3.6, "n": 750})
    return with_variant(config, variant)
