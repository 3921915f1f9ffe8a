r"""BiGAN on the embedded 8x8 digits: a generator and its inverse.

Paper: Donahue et al., Adversarial Feature Learning, 2017, https://arxiv.org/abs/1605.09782
Command: python -m experiments.train --workdir=runs/donahue2017_digits \
    --config=configs/gan/donahue2017_digits.py
Expected: Fréchet distance 3.3, kernel distance 0.11, precision 0.72, recall 0.89 (750 samples, seed 0, digits features;
    real images against real 3.2); 142 seconds on a shared x86-64 core.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments.config import recipes
from experiments.config.variants import with_variant
from experiments.gan import bigan


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_digits(bigan.get_config(), **recipes.GAN_PERCEPTRONS)
    for network in (config.generator, config.encoder, config.discriminator):
        network.widths = (512, 512)
    config.encoder.activation = "leaky_relu"
    config.latent = 32
    config.train.steps = 12_000
    config.expected = ConfigDict({"sampler": "prior", "steps": 1, "metric": "Fréchet distance", "value": 3.3, "n": 750})
    return with_variant(config, variant)
