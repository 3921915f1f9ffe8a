r"""The importance weighted autoencoder with doubly reparameterised gradients on binarised 8x8 digits.

Paper: Tucker et al., Doubly Reparameterized Gradient Estimators for Monte Carlo Objectives, 2019,
    https://arxiv.org/abs/1810.04152
Command: python -m experiments.train --workdir=runs/dreg_digits \
    --config=configs/vae/tucker2019_digits.py
Expected: 22.65 nats a test image, 0.511 bits/dim (kind importance(5000), n 296, seed 0); Fréchet distance 7.6 of
    means of p(x | z) (750 samples, seed 0, digits features; real images against real 3.2); 40 seconds on a shared
    x86-64 core.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from configs.vae import burda2016_digits
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = burda2016_digits.get_config()
    config.objective.name = "dreg"
    config.expected = ConfigDict({"metric": "nats", "kind": "importance(5000)", "value": 22.65, "n": 296})
    return with_variant(config, variant)
