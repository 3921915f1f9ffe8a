r"""The least-squares GAN on the embedded 8x8 digits.

Paper: Mao et al., Least Squares Generative Adversarial Networks, 2017, https://arxiv.org/abs/1611.04076
Command: python -m experiments.train --workdir=runs/mao2017_digits \
    --config=configs/gan/mao2017_digits.py
Expected: Fréchet distance 5.6, kernel distance 0.97, precision 0.58, recall 0.94 (750 samples, seed 0, digits features;
    real images against real 3.2); 68 seconds on a shared x86-64 core.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import gan
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_digits(gan.get_config(), **recipes.DCGAN_DIGITS)
    config.game = "least_squares"
    config.expected = ConfigDict({"sampler": "prior", "steps": 1, "metric": "Fréchet distance", "value": 5.6, "n": 750})
    return with_variant(config, variant)
