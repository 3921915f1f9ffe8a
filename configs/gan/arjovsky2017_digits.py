r"""The Wasserstein GAN with clipped weights on the embedded 8x8 digits.

Paper: Arjovsky et al., Wasserstein GAN, 2017, https://arxiv.org/abs/1701.07875
Command: python -m experiments.train --workdir=runs/arjovsky2017_digits \
    --config=configs/gan/arjovsky2017_digits.py
Expected: Fréchet distance 10.5, kernel distance 2.37, precision 0.48, recall 0.90 (750 samples, seed 0, digits
    features; real images against real 3.2); 109 seconds on a shared x86-64 core.
Otherwise here: rates of 5e-4 (theirs 5e-5), since there are fewer steps; three times as many as the
    others take, since the generator moves on every fifth alone.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import gan
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_digits(gan.get_config(), **recipes.DCGAN_DIGITS)
    config.train.steps = 9000
    config.update({"game": "wasserstein", "n_critic": 5, "clip": 0.01})
    for optimizer in (config.train.optimizer, config.discriminator_optimizer):
        optimizer.update({"name": "rmsprop", "learning_rate": 5e-4, "b1": 0.0, "b2": 0.9})
    config.expected = ConfigDict(
        {"sampler": "prior", "steps": 1, "metric": "Fréchet distance", "value": 10.5, "n": 750}
    )
    return with_variant(config, variant)
