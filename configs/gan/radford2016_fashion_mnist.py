r"""DCGAN on Fashion-MNIST.

Paper: Radford et al., Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks,
    2016, https://arxiv.org/abs/1511.06434
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/radford2016_fashion_mnist \
    --config=configs/gan/radford2016_fashion_mnist.py
Expected: Fréchet distance 44.1, kernel distance 2.39, precision 0.67, recall 0.68 (1000 samples, seed 0,
    fashion_mnist features; real images against real 3.6); 343 seconds on a shared x86-64 core.
Otherwise here: rates of 5e-4; the paper's, 2e-4, end at 59.7.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import gan
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_fashion_mnist(gan.get_config(), **recipes.DCGAN)
    for optimizer in (config.train.optimizer, config.discriminator_optimizer):
        optimizer.learning_rate = 5e-4
    config.expected = ConfigDict(
        {"sampler": "prior", "steps": 1, "metric": "Fréchet distance", "value": 44.1, "n": 1000}
    )
    return with_variant(config, variant)
