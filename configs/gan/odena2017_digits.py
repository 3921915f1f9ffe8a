r"""AC-GAN on the embedded 8x8 digits: the discriminator guesses the class.

Paper: Odena et al., Conditional Image Synthesis with Auxiliary Classifier GANs, 2017, https://arxiv.org/abs/1610.09585
Command: python -m experiments.train --workdir=runs/odena2017_digits \
    --config=configs/gan/odena2017_digits.py
Expected: Fréchet distance 1.7, kernel distance -0.20, precision 0.88, recall 0.82 (750 samples, seed 0, digits
    features; real images against real 3.2); 104 seconds on a shared x86-64 core.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import gan
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_digits(gan.get_config(), **recipes.DCGAN_DIGITS)
    config.condition = ("label",)
    config.head.name = "auxiliary"
    config.expected = ConfigDict({"sampler": "prior", "steps": 1, "metric": "Fréchet distance", "value": 1.7, "n": 750})
    return with_variant(config, variant)
