r"""The non-saturating game with R1 on the embedded 8x8 digits.

Paper: Mescheder et al., Which Training Methods for GANs do actually Converge?, 2018, https://arxiv.org/abs/1801.04406
Command: python -m experiments.train --workdir=runs/mescheder2018_digits \
    --config=configs/gan/mescheder2018_digits.py
Expected: Fréchet distance 11.2, kernel distance 2.42, precision 0.49, recall 0.85 (750 samples, seed 0, digits
    features; real images against real 3.2); 130 seconds on a shared x86-64 core.
Otherwise here: the weight of R1 is 1 (theirs 10), for images of so few pixels.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import gan
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.gan_digits(gan.get_config(), **recipes.DCGAN_CRITIC_DIGITS)
    config.penalties = (("r1", 1.0, 1),)
    config.expected = ConfigDict(
        {"sampler": "prior", "steps": 1, "metric": "Fréchet distance", "value": 11.2, "n": 750}
    )
    return with_variant(config, variant)
