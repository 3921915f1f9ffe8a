r"""The first GAN on the embedded 8x8 digits: perceptrons, the non-saturating game.

Paper: Goodfellow et al., Generative Adversarial Networks, 2014, https://arxiv.org/abs/1406.2661
Command: python -m experiments.train --workdir=runs/goodfellow2014_digits \
    --config=configs/gan/goodfellow2014_digits.py
Expected: Fréchet distance 12.4, kernel distance 2.60, precision 0.47, recall 0.85 (750 samples, seed 0, digits
    features; real images against real 3.2); 16 seconds on a shared x86-64 core.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import gan
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_digits(gan.get_config(), **recipes.GAN_PERCEPTRONS)
    config.expected = ConfigDict(
        {"sampler": "prior", "steps": 1, "metric": "Fréchet distance", "value": 12.4, "n": 750}
    )
    return with_variant(config, variant)
