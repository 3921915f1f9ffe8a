r"""The variance-exploding SDE on 8x8 digits, the network scaled as EDM scales it.

Paper: Song et al., Score-Based Generative Modeling through Stochastic Differential Equations, 2021, https://arxiv.org/abs/2011.13456
       Karras et al., Elucidating the Design Space of Diffusion-Based Generative Models, 2022, https://arxiv.org/abs/2206.00364
Command: python -m experiments.train --workdir=runs/ve_sde_digits \
    --config=configs/diffusion/song2021_ve_digits.py
Expected: Fréchet distance 6.2 at 18 of Heun's steps, 10.6 at 500 of predictor and corrector (750 samples, seed 0,
    digits features; real images against real 3.2); 5.77 ± 0.02 bits/dim of images with noise of
    0.01 (kind ode, n 296).
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import diffusion
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(diffusion.ve_sde_config())
    config.eval.likelihood = 296
    config.expected = ConfigDict(
        {"sampler": "edm_heun", "steps": 18, "metric": "Fréchet distance", "value": 6.2, "n": 750}
    )
    return with_variant(config, variant)
