r"""The sigma-VAE on 8x8 digits: normals with the best standard deviation of each batch.

Paper: Rybkin et al., Simple and Effective VAE Training with Calibrated Decoders, 2021,
    https://arxiv.org/abs/2006.13202
Command: python -m experiments.train --workdir=runs/sigma_vae_digits \
    --config=configs/vae/rybkin2021_digits.py
Expected: 322.88 nats a test image, 7.278 bits/dim (kind elbo, n 296, seed 0); Fréchet distance 22.2 of means of p(x |
    z) (750 samples, seed 0, digits features; real images against real 3.2).
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import vae
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(vae.get_config(), **recipes.PERCEPTRONS)
    config.observation.name = "gaussian_optimal"
    config.eval.likelihood = 296
    config.expected = ConfigDict({"metric": "nats", "kind": "elbo", "value": 322.88, "n": 296})
    return with_variant(config, variant)
