r"""R3GAN on Fashion-MNIST: the relativistic game with R1 and R2, residual networks without norms.

Paper: Huang et al., The GAN is dead; long live the GAN! A Modern GAN Baseline, 2024, https://arxiv.org/abs/2501.05441
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/huang2024_fashion_mnist \
    --config=configs/gan/huang2024_fashion_mnist.py
Expected: Fréchet distance 35.8, kernel distance 1.49, precision 0.84, recall 0.42 (1000 samples, seed 0,
    fashion_mnist features; real images against real 3.6); 1658 seconds on a shared x86-64 core. With 4,000 steps 29.7,
    1.07, 0.84, 0.37.
Otherwise here: rates of 1e-3 (theirs 2e-4 and less, for more steps) and penalties on every fourth step with four times
    their weight, 0.1; rates, weight and average stay as they are from the first step on. Half of these channels,
    rates of 2e-4 and a weight of 1 on every step ended at a distance of 111 after 5,000 steps.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import gan
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_fashion_mnist(gan.get_config(), **recipes.R3GAN)
    config.train.steps = 2900
    config.update({"game": "relativistic", "penalties": (("r1_r2", 0.1, 4),)})
    for optimizer in (config.train.optimizer, config.discriminator_optimizer):
        optimizer.update({"learning_rate": 1e-3, "b1": 0.0, "b2": 0.99})
    config.expected = ConfigDict(
        {"sampler": "prior", "steps": 1, "metric": "Fréchet distance", "value": 35.8, "n": 1000}
    )
    return with_variant(config, variant)
