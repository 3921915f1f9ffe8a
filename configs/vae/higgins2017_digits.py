r"""The beta-VAE on binarised 8x8 digits: twice the divergence.

Paper: Higgins et al., beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework, 2017,
    https://openreview.net/forum?id=Sy2fzU9gl
Command: python -m experiments.train --workdir=runs/beta_vae_digits \
    --config=configs/vae/higgins2017_digits.py
Expected: 23.94 nats a test image, 0.540 bits/dim (kind importance(5000), n 296, seed 0); Fréchet distance 39.7 of
    means of p(x | z) (750 samples, seed 0, digits features; real images against real 3.2); 37 seconds on a shared
    x86-64 core. At 4 and more the posterior collapses: KL 0.002 nats, Fréchet distance 318.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import vae
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(vae.get_config(), **recipes.PERCEPTRONS)
    config.beta.value = 2.0
    config.eval.likelihood = 296
    config.likelihood.update({"kind": "importance", "samples": 5000})
    config.expected = ConfigDict({"metric": "nats", "kind": "importance(5000)", "value": 23.94, "n": 296})
    return with_variant(config, variant)
