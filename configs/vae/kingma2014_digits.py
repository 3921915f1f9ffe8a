r"""The variational autoencoder on binarised 8x8 digits.

Paper: Kingma and Welling, Auto-Encoding Variational Bayes, 2014, https://arxiv.org/abs/1312.6114
Command: python -m experiments.train --workdir=runs/vae_digits \
    --config=configs/vae/kingma2014_digits.py
Expected: not measured yet.
Variants: `:conditional` on the class (Sohn et al., 2015), `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import recipes, vae
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(vae.get_config(), **recipes.PERCEPTRONS)
    config.eval.likelihood = 296
    config.likelihood.update({"kind": "importance", "samples": 5000})
    return with_variant(config, variant)
