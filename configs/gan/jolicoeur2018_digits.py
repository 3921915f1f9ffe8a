r"""The relativistic average GAN on the embedded 8x8 digits.

Paper: Jolicoeur-Martineau, The relativistic discriminator: a key element missing from standard GAN, 2018,
    https://arxiv.org/abs/1807.00734
Command: python -m experiments.train --workdir=runs/jolicoeur2018_digits \
    --config=configs/gan/jolicoeur2018_digits.py
Expected: Fréchet distance 5.1, kernel distance 0.83, precision 0.55, recall 0.92 (750 samples, seed 0, digits features;
    real images against real 3.2); 67 seconds on a shared x86-64 core.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import gan
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_digits(gan.get_config(), **recipes.DCGAN_DIGITS)
    config.game = "relativistic_average"
    config.expected = ConfigDict({"sampler": "prior", "steps": 1, "metric": "Fréchet distance", "value": 5.1, "n": 750})
    return with_variant(config, variant)
