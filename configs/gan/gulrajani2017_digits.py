r"""WGAN-GP on the embedded 8x8 digits: a critic without batch norm, and its gradient penalty.

Paper: Gulrajani et al., Improved Training of Wasserstein GANs, 2017, https://arxiv.org/abs/1704.00028
Command: python -m experiments.train --workdir=runs/gulrajani2017_digits \
    --config=configs/gan/gulrajani2017_digits.py
Expected: Fréchet distance 4.0, kernel distance 0.37, precision 0.64, recall 0.91 (750 samples, seed 0, digits
    features; real images against real 3.2); 233 seconds on a shared x86-64 core.
Otherwise here: rates of 5e-4 (theirs 1e-4 to 2e-4), since there are fewer steps; three times as many as the
    others take, since the generator moves on every fifth alone.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import gan
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_digits(gan.get_config(), **recipes.DCGAN_CRITIC_DIGITS)
    config.train.steps = 9000
    config.update({"game": "wasserstein", "n_critic": 5, "penalties": (("gradient_penalty", 10.0, 1),)})
    for optimizer in (config.train.optimizer, config.discriminator_optimizer):
        optimizer.update({"learning_rate": 5e-4, "b1": 0.0, "b2": 0.9})
    config.expected = ConfigDict({"sampler": "prior", "steps": 1, "metric": "Fréchet distance", "value": 4.0, "n": 750})
    return with_variant(config, variant)
