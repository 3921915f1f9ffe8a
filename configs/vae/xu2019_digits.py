r"""A VAE with RealNVP for its prior, on binarised 8x8 digits.

Paper: Xu et al., On the Necessity and Effectiveness of Learning the Prior of Variational Auto-Encoder, 2019,
    https://arxiv.org/abs/1905.13452
Command: python -m experiments.train --workdir=runs/xu2019_digits \
    --config=configs/vae/xu2019_digits.py
Expected: 22.66 nats a test image, 0.511 bits/dim (kind importance(5000), n 296, seed 0); Fréchet distance 7.3 of
    means of p(x | z) (750 samples, seed 0, digits features; real images against real 3.2); 74 seconds on a shared
    x86-64 core.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import vae
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(vae.get_config(), **recipes.PERCEPTRONS)
    config.prior.name = "real_nvp"
    config.eval.likelihood = 296
    config.likelihood.update({"kind": "importance", "samples": 5000})
    config.expected = ConfigDict({"metric": "nats", "kind": "importance(5000)", "value": 22.66, "n": 296})
    return with_variant(config, variant)
