r"""InfoGAN on the embedded 8x8 digits: a code of ten values and two continuous ones.

Paper: Chen et al., InfoGAN: Interpretable Representation Learning by Information Maximizing Generative Adversarial
    Nets, 2016, https://arxiv.org/abs/1606.03657
Command: python -m experiments.train --workdir=runs/chen2016_digits \
    --config=configs/gan/chen2016_digits.py
Expected: Fréchet distance 3.1, kernel distance 0.18, precision 0.73, recall 0.84 (750 samples, seed 0, digits features;
    real images against real 3.2); 69 seconds on a shared x86-64 core.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import gan
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_digits(gan.get_config(), **recipes.DCGAN_DIGITS)
    config.head.update({"name": "info", "options": ConfigDict({"categorical": (10,), "continuous": 2})})
    config.expected = ConfigDict({"sampler": "prior", "steps": 1, "metric": "Fréchet distance", "value": 3.1, "n": 750})
    return with_variant(config, variant)
