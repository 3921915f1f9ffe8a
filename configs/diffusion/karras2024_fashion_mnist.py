r"""EDM2 on Fashion-MNIST: magnitude-preserving network, learned uncertainty, an average chosen after training.

Paper: Karras et al., Analyzing and Improving the Training Dynamics of Diffusion Models (EDM2), 2024, https://arxiv.org/abs/2312.02696
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/edm2_fashion_mnist \
    --config=configs/diffusion/karras2024_fashion_mnist.py
Expected: Fréchet distance 36.2 at 18 steps of edm_heun, kernel distance 2.28, precision 0.81, recall 0.70; distance
    74.1 at 5 steps of edm_heun, 39.7 at 10 steps of edm_heun, 34.1 at 18 steps of edm_stochastic, 38.5 at 10 steps of
    dpm_solver_pp_2m, 36.5 at 20 steps of dpm_solver_pp_2m (1000 samples, seed 0, fashion_mnist features; real images
    against real 3.6); with the paper's noise levels, of mean -0.4, 38.9 at 18 steps of edm_heun; half an hour of a
    shared x86-64 core.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import diffusion
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.edm2(recipes.fashion_mnist(diffusion.edm_config()), multipliers=(1, 1, 2))
    config.sigma_data = 0.8
    config.time.options.mean = 0.0  # of the log of the noise level
    config.expected = ConfigDict(
        {"sampler": "edm_heun", "steps": 18, "metric": "Fréchet distance", "value": 36.2, "n": 1000}
    )
    return with_variant(config, variant)
