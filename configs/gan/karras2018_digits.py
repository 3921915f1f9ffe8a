r"""Progressive growing on the embedded 8x8 digits: 2x2, then 4x4, then 8x8, faded in.

Paper: Karras et al., Progressive Growing of GANs for Improved Quality, Stability, and Variation, 2018,
    https://arxiv.org/abs/1710.10196
Command: python -m experiments.train --workdir=runs/karras2018_digits \
    --config=configs/gan/karras2018_digits.py
Expected: Fréchet distance 17.0, kernel distance 3.32, precision 0.51, recall 0.73 (750 samples, seed 0, digits
    features; real images against real 3.2); 397 seconds on a shared x86-64 core.
Otherwise here: the critic's logits are not held near zero (theirs: 0.001 of their squares).
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import gan
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_digits(gan.get_config(), **recipes.PROGRESSIVE_DIGITS)
    config.update({"game": "wasserstein", "penalties": (("gradient_penalty", 10.0, 1),)})
    config.growth.update({"stages": 2, "steps": 500})
    for optimizer in (config.train.optimizer, config.discriminator_optimizer):
        optimizer.update({"learning_rate": 1e-3, "b1": 0.0, "b2": 0.99})
    config.expected = ConfigDict(
        {"sampler": "prior", "steps": 1, "metric": "Fréchet distance", "value": 17.0, "n": 750}
    )
    return with_variant(config, variant)
