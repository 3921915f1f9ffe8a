r"""VAE-GAN on 8x8 digits: the reconstruction is measured by a hidden layer of the discriminator.

Paper: Larsen et al., Autoencoding beyond pixels using a learned similarity metric, 2016,
    https://arxiv.org/abs/1512.09300
Command: python -m experiments.train --workdir=runs/vae_gan_digits \
    --config=configs/vae/larsen2016_digits.py
Expected: Fréchet distance 22.9 of means of p(x | z) (750 samples, seed 0, digits features; real images against real
    3.2).
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments.config import recipes
from experiments.config.variants import with_variant
from experiments.vae import adversarial


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(adversarial.get_config(), **recipes.PERCEPTRONS)
    config.game = "vae_gan"
    config.weight = 1.0
    config.observation.name = "gaussian"
    config.discriminator.features = 64
    config.discriminator.optimizer.learning_rate = 3e-4
    config.train.optimizer.update({"learning_rate": 3e-4, "b1": 0.5})
    config.expected = ConfigDict(
        {"sampler": "prior", "steps": 1, "metric": "Fréchet distance", "value": 22.9, "n": 750}
    )
    return with_variant(config, variant)
