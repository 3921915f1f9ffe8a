r"""The beta-VAE on binarised 8x8 digits: four times the divergence.

Paper: Higgins et al., beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework, 2017,
    https://openreview.net/forum?id=Sy2fzU9gl
Command: python -m experiments.train --workdir=runs/beta_vae_digits \
    --config=configs/vae/higgins2017_digits.py
Expected: not measured yet.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import recipes, vae
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(vae.get_config(), **recipes.PERCEPTRONS)
    config.beta.value = 2.0
    config.eval.likelihood = 296
    config.likelihood.update({"kind": "importance", "samples": 5000})
    return with_variant(config, variant)
