r"""The very deep VAE on 8x8 digits, as bytes: eight groups of latent maps.

Paper: Child, Very Deep VAEs Generalize Autoregressive Models and Can Outperform Them on Images, 2021,
    https://arxiv.org/abs/2011.10650
Command: python -m experiments.train --workdir=runs/vdvae_digits \
    --config=configs/vae/child2021_digits.py
Expected: 3.86 ± 0.03 bits/dim (kind elbo of bytes; n 296, seed 0); samples at a Fréchet distance of 23.6 (750, digits
    features; real against real 3.2); 198 seconds on a shared x86-64 core, not counting two minutes of compilation.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments.config import recipes
from experiments.config.variants import with_variant
from experiments.vae import hierarchical


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(hierarchical.get_config(), net=recipes.VERY_DEEP)
    config.net.update({"patch_size": 1, "factors": (2, 2, 2), "blocks": (1, 1, 1, 1), "depths": (2, 2, 2, 2)})
    config.train.steps = 1000
    config.eval.likelihood = 296
    config.expected = ConfigDict({"metric": "bits/dim", "kind": "elbo", "value": 3.859, "n": 296})
    return with_variant(config, variant)
