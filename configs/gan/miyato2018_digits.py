r"""SNGAN on the embedded 8x8 digits: spectral normalisation, the hinge game, two time-scales.

Paper: Miyato et al., Spectral Normalization for Generative Adversarial Networks, 2018, https://arxiv.org/abs/1802.05957
Command: python -m experiments.train --workdir=runs/miyato2018_digits \
    --config=configs/gan/miyato2018_digits.py
Expected: Fréchet distance 3.8, kernel distance 0.32, precision 0.71, recall 0.85 (750 samples, seed 0, digits
    features; real images against real 3.2); 233 seconds on a shared x86-64 core.
Otherwise here: one move of each network at rates of 4e-4 and 8e-4, after Heusel et al.,
    https://arxiv.org/abs/1706.08500 (theirs 1e-4 and 4e-4, for more steps), in place of five of the discriminator at
    2e-4. `:conditional` is their projection discriminator.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import gan
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_digits(gan.get_config(), **recipes.SNGAN_DIGITS)
    config.game = "hinge"
    for optimizer, rate in ((config.train.optimizer, 4e-4), (config.discriminator_optimizer, 8e-4)):
        optimizer.update({"learning_rate": rate, "b1": 0.0, "b2": 0.9})
    config.expected = ConfigDict({"sampler": "prior", "steps": 1, "metric": "Fréchet distance", "value": 3.8, "n": 750})
    return with_variant(config, variant)
