r"""Improved DDPM on 8x8 digits: learned variance, the hybrid loss, the bound of the whole chain.

Paper: Nichol and Dhariwal, Improved Denoising Diffusion Probabilistic Models, 2021, https://arxiv.org/abs/2102.09672
Command: python -m experiments.train --workdir=runs/iddpm_digits \
    --config=configs/diffusion/nichol2021_digits.py
Expected: Fréchet distance 3.0 at 100 steps of ancestral_learned, kernel distance 0.41, precision 0.77, recall 0.93;
    distance 2.7 at 25 steps of ancestral_learned, 2.7 at 25 steps of ancestral, 3.1 at 25 steps of ddim (750 samples,
    seed 0, digits features; real images against real 3.2); 5.01 ± 0.05 bits/dim of the first 64
    test images (kind elbo); 360 seconds on a shared x86-64 core.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments.config import recipes
from experiments.config.variants import with_variant
from experiments.diffusion import learned_variance


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(learned_variance.get_config())
    config.net = ConfigDict(recipes.UNET | {"patch_size": 1})  # an MLP has one output for each input
    config.train.steps = 1000
    config.net.out_channels = 2
    config.eval.likelihood = 64  # each takes a thousand evaluations
    config.expected = ConfigDict(
        {"sampler": "ancestral_learned", "steps": 100, "metric": "Fréchet distance", "value": 3.0, "n": 750}
    )
    return with_variant(config, variant)
