r"""WGAN-GP on Fashion-MNIST: a critic without batch norm, and its gradient penalty.

Paper: Gulrajani et al., Improved Training of Wasserstein GANs, 2017, https://arxiv.org/abs/1704.00028
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/gulrajani2017_fashion_mnist \
    --config=configs/gan/gulrajani2017_fashion_mnist.py
Expected: Fréchet distance 48.0, kernel distance 2.62, precision 0.67, recall 0.64 (1000 samples, seed 0,
    fashion_mnist features; real images against real 3.6); 1046 seconds on a shared x86-64 core.
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
    config = recipes.gan_fashion_mnist(gan.get_config(), **recipes.DCGAN_CRITIC)
    config.train.steps = 15_000
    config.update({"game": "wasserstein", "n_critic": 5, "penalties": (("gradient_penalty", 10.0, 1),)})
    for optimizer in (config.train.optimizer, config.discriminator_optimizer):
        optimizer.update({"learning_rate": 5e-4, "b1": 0.0, "b2": 0.9})
    config.expected = ConfigDict(
        {"sampler": "prior", "steps": 1, "metric": "Fréchet distance", "value": 48.0, "n": 1000}
    )
    return with_variant(config, variant)
