r"""EDM2 on Fashion-MNIST: magnitude-preserving network, learned uncertainty, an average chosen after training.

Paper: Karras et al., Analyzing and Improving the Training Dynamics of Diffusion Models (EDM2), 2024, https://arxiv.org/abs/2312.02696
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/edm2_fashion_mnist \
    --config=configs/diffusion/karras2024_fashion_mnist.py
Expected: Fréchet distance 38.9 at 18 steps of edm_heun, kernel distance 2.42, precision 0.78, recall 0.73; distance
    90.7 at 5 steps of edm_heun, 43.0 at 10 steps of edm_heun, 35.2 at 18 steps of edm_stochastic, 42.3 at 10 steps of
    dpm_solver_pp_2m, 39.3 at 20 steps of dpm_solver_pp_2m (1000 samples, seed 0, fashion_mnist features; real images
    against real 3.6); half an hour of a shared x86-64 core.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import diffusion, recipes
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.edm2(recipes.fashion_mnist(diffusion.edm_config()), multipliers=(1, 1, 2))
    config.sigma_data = 0.8
    config.expected = ConfigDict(
        {"sampler": "edm_heun", "steps": 18, "metric": "Fréchet distance", "value": 38.9, "n": 1000}
    )
    return with_variant(config, variant)
