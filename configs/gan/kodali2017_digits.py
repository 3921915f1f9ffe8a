r"""DRAGAN on the embedded 8x8 digits: a gradient penalty around the data alone.

Paper: Kodali et al., On Convergence and Stability of GANs, 2017, https://arxiv.org/abs/1705.07215
Command: python -m experiments.train --workdir=runs/kodali2017_digits \
    --config=configs/gan/kodali2017_digits.py
Expected: Fréchet distance 6.4, kernel distance 1.23, precision 0.60, recall 0.90 (750 samples, seed 0, digits features;
    real images against real 3.2); 90 seconds on a shared x86-64 core.
Otherwise here: rates of 1e-3, since there are fewer steps; at 2e-4 the generator has not yet left its first modes.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import gan
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_digits(gan.get_config(), **recipes.DCGAN_CRITIC_DIGITS)
    config.penalties = (("dragan", 10.0, 1),)
    for optimizer in (config.train.optimizer, config.discriminator_optimizer):
        optimizer.learning_rate = 1e-3
    config.expected = ConfigDict({"sampler": "prior", "steps": 1, "metric": "Fréchet distance", "value": 6.4, "n": 750})
    return with_variant(config, variant)
