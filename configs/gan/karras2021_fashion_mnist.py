r"""StyleGAN3-T, small, on Fashion-MNIST: layers between low-pass filters, Fourier features in.

Paper: Karras et al., Alias-Free Generative Adversarial Networks, 2021, https://arxiv.org/abs/2106.12423
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/karras2021_fashion_mnist \
    --config=configs/gan/karras2021_fashion_mnist.py
Expected: not measured yet; a step takes 4.5 seconds on one x86-64 core.
Otherwise here: rates of 8e-3 (theirs 2e-3), since there are fewer steps; the weight of R1 is 0.1 for images of so few
    pixels; loss and penalties share their updates.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import gan
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_fashion_mnist(gan.get_config(), **recipes.STYLEGAN3)
    config.train.steps = 1000
    config.penalties = (("r1", 0.1, 16),)
    for optimizer in (config.train.optimizer, config.discriminator_optimizer):
        optimizer.update({"learning_rate": 8e-3, "b1": 0.0, "b2": 0.99})
    config.eval.rows = (("prior", 1), ("truncated", 1))
    return with_variant(config, variant)
