r"""The variational autoencoder on binarised 8x8 digits.

Paper: Kingma and Welling, Auto-Encoding Variational Bayes, 2014, https://arxiv.org/abs/1312.6114
Command: python -m experiments.train --workdir=runs/vae_digits \
    --config=configs/vae/kingma2014_digits.py
Expected: 22.82 nats a test image, 0.514 bits/dim (kind importance(5000), n 296, seed 0); Fréchet distance 9.3 of
    means of p(x | z) (750 samples, seed 0, digits features; real images against real 3.2); 70 seconds on a shared
    x86-64 core.
Variants: `:conditional` on the class (Sohn et al., 2015), `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import vae
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(vae.get_config(), **recipes.PERCEPTRONS)
    config.eval.likelihood = 296
    config.likelihood.update({"kind": "importance", "samples": 5000})
    config.expected = ConfigDict({"metric": "nats", "kind": "importance(5000)", "value": 22.82, "n": 296})
    return with_variant(config, variant)
