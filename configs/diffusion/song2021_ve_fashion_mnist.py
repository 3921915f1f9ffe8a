r"""The variance-exploding SDE on Fashion-MNIST, the network scaled as EDM scales it.

Paper: Song et al., Score-Based Generative Modeling through Stochastic Differential Equations, 2021, https://arxiv.org/abs/2011.13456
       Karras et al., Elucidating the Design Space of Diffusion-Based Generative Models, 2022, https://arxiv.org/abs/2206.00364
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/ve_sde_fashion_mnist \
    --config=configs/diffusion/song2021_ve_fashion_mnist.py
Expected: Fréchet distance 33.5 at 100 steps of predictor_corrector, kernel distance 1.89, precision 0.86, recall 0.75;
    distance 27.2 at 18 steps of edm_heun (1000 samples, seed 0, fashion_mnist features; real images against real 3.6);
    test likelihood 3.87 ± 0.06 bits/dim of images with noise of 0.01 (ode, n 128); 1547 seconds on a shared
    x86-64 core.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import diffusion
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.fashion_mnist(diffusion.ve_sde_config())
    config.sigma_data = 0.8
    config.eval.update({"likelihood": 128, "rows": (("predictor_corrector", 100), ("edm_heun", 18))})
    config.expected = ConfigDict(
        {"sampler": "predictor_corrector", "steps": 100, "metric": "Fréchet distance", "value": 33.5, "n": 1000}
    )
    return with_variant(config, variant)
