r"""R3GAN on the embedded 8x8 digits: the relativistic game with R1 and R2, residual networks without norms.

Paper: Huang et al., The GAN is dead; long live the GAN! A Modern GAN Baseline, 2024, https://arxiv.org/abs/2501.05441
Command: python -m experiments.train --workdir=runs/huang2024_digits \
    --config=configs/gan/huang2024_digits.py
Expected: Fréchet distance 7.7, kernel distance 1.21, precision 0.61, recall 0.83 (750 samples, seed 0, digits
    features; real images against real 3.2); 349 seconds on a shared x86-64 core.
Otherwise here: rates of 1e-3 (theirs 2e-4 and less, for more steps), the weight of the penalties 0.1; both and the
    average stay as they are from the first step on.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import gan
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_digits(gan.get_config(), **recipes.R3GAN_DIGITS)
    config.update({"game": "relativistic", "penalties": (("r1_r2", 0.1, 1),)})
    for optimizer in (config.train.optimizer, config.discriminator_optimizer):
        optimizer.update({"learning_rate": 1e-3, "b1": 0.0, "b2": 0.99})
    config.expected = ConfigDict({"sampler": "prior", "steps": 1, "metric": "Fréchet distance", "value": 7.7, "n": 750})
    return with_variant(config, variant)
