r"""Improved DDPM on 8x8 digits: learned variance, the hybrid loss, the bound of the whole chain.

Paper: Nichol and Dhariwal, Improved Denoising Diffusion Probabilistic Models, 2021, https://arxiv.org/abs/2102.09672
Command: python -m experiments.train --workdir=runs/iddpm_digits \
    --config=configs/diffusion/nichol2021_digits.py
Expected: not measured yet.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import learned_variance, recipes
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(learned_variance.get_config())
    config.net = ConfigDict(recipes.UNET | {"patch_size": 1})  # an MLP has one output for each input
    config.train.steps = 1000
    config.net.out_channels = 2
    config.eval.likelihood = 64  # each takes a thousand evaluations
    return with_variant(config, variant)
