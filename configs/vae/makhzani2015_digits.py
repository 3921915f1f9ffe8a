r"""The adversarial autoencoder on 8x8 digits.

Paper: Makhzani et al., Adversarial Autoencoders, 2015, https://arxiv.org/abs/1511.05644
Command: python -m experiments.train --workdir=runs/aae_digits \
    --config=configs/vae/makhzani2015_digits.py
Expected: Fréchet distance 19.1 of means of p(x | z) (750 samples, seed 0, digits features; real images against real
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
    config.game = "aae"
    config.observation = {"name": "gaussian", "options": ConfigDict({"log_std": -0.34657359})}  # the squared error
    config.discriminator.optimizer.learning_rate = 1e-3
    config.expected = ConfigDict(
        {"sampler": "prior", "steps": 1, "metric": "Fréchet distance", "value": 19.1, "n": 750}
    )
    return with_variant(config, variant)
