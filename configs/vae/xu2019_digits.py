r"""A VAE with RealNVP for its prior, on binarised 8x8 digits.

Paper: Xu et al., On the Necessity and Effectiveness of Learning the Prior of Variational Auto-Encoder, 2019,
    https://arxiv.org/abs/1905.13452
Command: python -m experiments.train --workdir=runs/xu2019_digits \
    --config=configs/vae/xu2019_digits.py
Expected: not measured yet.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import recipes, vae
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(vae.get_config(), **recipes.PERCEPTRONS)
    config.prior.name = "real_nvp"
    config.eval.likelihood = 296
    config.likelihood.update({"kind": "importance", "samples": 5000})
    return with_variant(config, variant)
