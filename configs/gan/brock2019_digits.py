r"""BigGAN, small, on the embedded 8x8 digits: conditional, its latent vector split over the blocks, truncation.

Paper: Brock et al., Large Scale GAN Training for High Fidelity Natural Image Synthesis, 2019,
    https://arxiv.org/abs/1809.11096
Command: python -m experiments.train --workdir=runs/brock2019_digits \
    --config=configs/gan/brock2019_digits.py
Expected: not measured yet.
Otherwise here: rates of 4e-4 and 8e-4 (theirs 5e-5 and 2e-4), since there are fewer steps.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import gan, recipes
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_digits(gan.get_config(), **recipes.BIGGAN_DIGITS)
    config.update({"game": "hinge", "conditional": True, "latent": 63})
    for optimizer, rate in ((config.train.optimizer, 4e-4), (config.discriminator_optimizer, 8e-4)):
        optimizer.update({"learning_rate": rate, "b1": 0.0, "b2": 0.999})
    config.eval.rows = (("prior", 1), ("truncated", 1))
    return with_variant(config, variant)
