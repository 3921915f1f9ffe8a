r"""SAGAN on the embedded 8x8 digits: attention, spectral normalisation in both networks, two time-scales.

Paper: Zhang et al., Self-Attention Generative Adversarial Networks, 2019, https://arxiv.org/abs/1805.08318
Command: python -m experiments.train --workdir=runs/zhang2019_digits \
    --config=configs/gan/zhang2019_digits.py
Expected: Fréchet distance 3.2, kernel distance 0.21, precision 0.73, recall 0.86 (750 samples, seed 0, digits features;
    real images against real 3.2); 198 seconds on a shared x86-64 core.
Otherwise here: rates of 4e-4 and 8e-4 (theirs 1e-4 and 4e-4), since there are fewer steps.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import gan
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_digits(gan.get_config(), **recipes.BIGGAN_DIGITS)
    config.latent = 63  # a third for each block, and for the first layer
    config.game = "hinge"
    for optimizer, rate in ((config.train.optimizer, 4e-4), (config.discriminator_optimizer, 8e-4)):
        optimizer.update({"learning_rate": rate, "b1": 0.0, "b2": 0.9})
    config.expected = ConfigDict({"sampler": "prior", "steps": 1, "metric": "Fréchet distance", "value": 3.2, "n": 750})
    return with_variant(config, variant)
