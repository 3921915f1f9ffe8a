r"""BigGAN, small, on the embedded 8x8 digits: conditional, its latent vector split over the blocks, truncation.

Paper: Brock et al., Large Scale GAN Training for High Fidelity Natural Image Synthesis, 2019,
    https://arxiv.org/abs/1809.11096
Command: python -m experiments.train --workdir=runs/brock2019_digits \
    --config=configs/gan/brock2019_digits.py
Expected: Fréchet distance 2.2, kernel distance 0.14, precision 0.94, recall 0.68 (750 samples, seed 0, digits features;
    real images against real 3.2); 208 seconds on a shared x86-64 core.
Otherwise here: rates of 4e-4 and 8e-4 (theirs 5e-5 and 2e-4), since there are fewer steps.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import gan
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_digits(gan.get_config(), **recipes.BIGGAN_DIGITS)
    config.update({"game": "hinge", "condition": ("label",), "latent": 63})
    for optimizer, rate in ((config.train.optimizer, 4e-4), (config.discriminator_optimizer, 8e-4)):
        optimizer.update({"learning_rate": rate, "b1": 0.0, "b2": 0.999})
    config.eval.rows = (("prior", 1), ("truncated", 1))
    config.expected = ConfigDict({"sampler": "prior", "steps": 1, "metric": "Fréchet distance", "value": 2.2, "n": 750})
    return with_variant(config, variant)
