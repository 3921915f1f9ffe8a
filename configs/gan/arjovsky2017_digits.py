r"""The Wasserstein GAN with clipped weights on the embedded 8x8 digits.

Paper: Arjovsky et al., Wasserstein GAN, 2017, https://arxiv.org/abs/1701.07875
Command: python -m experiments.train --workdir=runs/arjovsky2017_digits \
    --config=configs/gan/arjovsky2017_digits.py
Expected: not measured yet.
Otherwise here: rates of 5e-4 (theirs 5e-5), since there are fewer steps; three times as many as the
    others take, since the generator moves on every fifth alone.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import gan, recipes
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_digits(gan.get_config(), **recipes.DCGAN_DIGITS)
    config.train.steps = 9000
    config.update({"game": "wasserstein", "n_critic": 5, "clip": 0.01})
    for optimizer in (config.train.optimizer, config.discriminator_optimizer):
        optimizer.update({"name": "rmsprop", "learning_rate": 5e-4, "b1": 0.0, "b2": 0.9})
    return with_variant(config, variant)
