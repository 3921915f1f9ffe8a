r"""The sigma-VAE on 8x8 digits: normals with the best standard deviation of each batch.

Paper: Rybkin et al., Simple and Effective VAE Training with Calibrated Decoders, 2021,
    https://arxiv.org/abs/2006.13202
Command: python -m experiments.train --workdir=runs/sigma_vae_digits \
    --config=configs/vae/rybkin2021_digits.py
Expected: not measured yet.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import recipes, vae
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(vae.get_config(), **recipes.PERCEPTRONS)
    config.observation.name = "gaussian_optimal"
    config.eval.likelihood = 296
    return with_variant(config, variant)
