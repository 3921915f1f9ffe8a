r"""Variational diffusion on 8x8 digits: network and noise schedule trained on the bound.

Paper: Kingma et al., Variational Diffusion Models, 2021, https://arxiv.org/abs/2107.00630
Command: python -m experiments.train --workdir=runs/vdm_digits \
    --config=configs/diffusion/kingma2021_digits.py
Time: 12 minutes of one x86-64 core.
Expected: 4.39 ± 0.10 bits/dim (kind elbo, 4 draws of the bound an image, n 296); Fréchet distance 9.4 at 50 steps of
    DDIM (750 samples, seed 0, digits features; real images against real 3.2).
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments.config import recipes
from experiments.config.variants import with_variant
from experiments.diffusion import variational


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(variational.get_config())
    config.net = ConfigDict(recipes.UNET | {"patch_size": 1})  # an MLP has one output for each input
    config.train.steps = 1000
    config.net.out_channels = 1
    config.eval.likelihood = 296
    config.expected = ConfigDict({"metric": "bits/dim", "kind": "elbo", "value": 4.39, "n": 296})
    return with_variant(config, variant)
