r"""The Wasserstein autoencoder with the MMD on 8x8 digits.

Paper: Tolstikhin et al., Wasserstein Auto-Encoders, 2018, https://arxiv.org/abs/1711.01558
Command: python -m experiments.train --workdir=runs/wae_digits \
    --config=configs/vae/tolstikhin2018_digits.py
Expected: not measured yet.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import recipes, vae
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(vae.get_config(), **recipes.PERCEPTRONS)
    config.objective = {"name": "wae", "options": ConfigDict({"weight": 10.0})}
    config.observation = {"name": "gaussian", "options": ConfigDict({"log_std": -0.34657359})}  # the squared error
    return with_variant(config, variant)
