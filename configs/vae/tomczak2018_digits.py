r"""A VAE with the VampPrior on binarised 8x8 digits.

Paper: Tomczak and Welling, VAE with a VampPrior, 2018, https://arxiv.org/abs/1705.07120
Command: python -m experiments.train --workdir=runs/vamp_digits \
    --config=configs/vae/tomczak2018_digits.py
Expected: 22.92 nats a test image, 0.517 bits/dim (kind importance(5000), n 296, seed 0); Fréchet distance 10.4 of
    means of p(x | z) (750 samples, seed 0, digits features; real images against real 3.2); 44 seconds on a shared
    x86-64 core.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import vae
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(vae.get_config(), **recipes.PERCEPTRONS)
    config.prior.update({"name": "vamp", "components": 100})
    config.eval.likelihood = 296
    config.likelihood.update({"kind": "importance", "samples": 5000})
    config.expected = ConfigDict({"metric": "nats", "kind": "importance(5000)", "value": 22.92, "n": 296})
    return with_variant(config, variant)
