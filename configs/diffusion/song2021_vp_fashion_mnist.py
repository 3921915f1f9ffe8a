r"""The variance-preserving SDE on Fashion-MNIST: continuous time, noise prediction, SDE and ODE samplers, likelihood.

Paper: Song et al., Score-Based Generative Modeling through Stochastic Differential Equations, 2021, https://arxiv.org/abs/2011.13456
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/vp_sde_fashion_mnist \
    --config=configs/diffusion/song2021_vp_fashion_mnist.py
Expected: Fréchet distance 21.1 at 100 steps of predictor_corrector, kernel distance 1.24, precision 0.87, recall 0.76;
    distance 24.0 at 20 steps of dpm_solver_pp_2m (1000 samples, seed 0, fashion_mnist features; real images against
    real 3.6); 3.96 ± 0.06 bits/dim of the first 128 test images (kind ode); 2147 seconds on a shared x86-64 core.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import diffusion
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.fashion_mnist(diffusion.vp_sde_config())
    config.eval.update({"likelihood": 128, "rows": (("predictor_corrector", 100), ("dpm_solver_pp_2m", 20))})
    config.expected = ConfigDict(
        {"sampler": "predictor_corrector", "steps": 100, "metric": "Fréchet distance", "value": 21.1, "n": 1000}
    )
    return with_variant(config, variant)
