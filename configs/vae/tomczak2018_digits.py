r"""A VAE with the VampPrior on binarised 8x8 digits.

Paper: Tomczak and Welling, VAE with a VampPrior, 2018, https://arxiv.org/abs/1705.07120
Command: python -m experiments.train --workdir=runs/vamp_digits \
    --config=configs/vae/tomczak2018_digits.py
Expected: not measured yet.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import recipes, vae
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(vae.get_config(), **recipes.PERCEPTRONS)
    config.prior.update({"name": "vamp", "components": 100})
    config.eval.likelihood = 296
    config.likelihood.update({"kind": "importance", "samples": 5000})
    return with_variant(config, variant)
