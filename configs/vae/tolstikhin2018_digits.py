r"""The Wasserstein autoencoder with the MMD on 8x8 digits.

Paper: Tolstikhin et al., Wasserstein Auto-Encoders, 2018, https://arxiv.org/abs/1711.01558
Command: python -m experiments.train --workdir=runs/wae_digits \
    --config=configs/vae/tolstikhin2018_digits.py
Expected: Fréchet distance 26.2 of means of p(x | z) (750 samples, seed 0, digits features; real images against real
    3.2); 28 seconds on a shared x86-64 core.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import vae
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(vae.get_config(), **recipes.PERCEPTRONS)
    config.objective = {"name": "wae", "options": ConfigDict({"weight": 10.0})}
    config.observation = {"name": "gaussian", "options": ConfigDict({"log_std": -0.34657359})}  # the squared error
    config.expected = ConfigDict(
        {"sampler": "prior", "steps": 1, "metric": "Fréchet distance", "value": 26.2, "n": 750}
    )
    return with_variant(config, variant)
