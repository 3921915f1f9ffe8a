r"""The sub-VP SDE on Fashion-MNIST: continuous time, noise prediction, SDE and ODE samplers, likelihood.

Paper: Song et al., Score-Based Generative Modeling through Stochastic Differential Equations, 2021, https://arxiv.org/abs/2011.13456
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/sub_vp_sde_fashion_mnist \
    --config=configs/diffusion/song2021_sub_vp_fashion_mnist.py
Expected: Fréchet distance 25.8 at 100 steps of predictor_corrector, kernel distance 1.53, precision 0.85, recall 0.74;
    distance 34.1 at 20 steps of dpm_solver_pp_2m (1000 samples, seed 0, fashion_mnist features; real images against
    real 3.6); 3.76 ± 0.06 bits/dim of the first 128 test images (kind ode); 2143 seconds on a shared x86-64 core.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from configs.diffusion import song2021_vp_fashion_mnist
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants: the VP SDE's with another process."""
    config = song2021_vp_fashion_mnist.get_config()
    config.process = "sub_vp"
    config.expected = ConfigDict(
        {"sampler": "predictor_corrector", "steps": 100, "metric": "Fréchet distance", "value": 25.8, "n": 1000}
    )
    return with_variant(config, variant)
