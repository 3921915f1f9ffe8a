r"""The variance-preserving SDE on 8x8 digits: continuous time, noise prediction, SDE and ODE samplers, likelihood.

Paper: Song et al., Score-Based Generative Modeling through Stochastic Differential Equations, 2021, https://arxiv.org/abs/2011.13456
Command: python -m experiments.train --workdir=runs/vp_sde_digits \
    --config=configs/diffusion/song2021_vp_digits.py
Expected: Fréchet distance 4.1 at 500 steps of predictor and corrector, 5.2 at 20 of DPM-Solver++(2M) (750 samples,
    seed 0, digits features; real images against real 3.2); 6.15 ± 0.02 bits/dim (kind ode, n 296).
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import diffusion
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(diffusion.vp_sde_config())
    config.eval.likelihood = 296
    config.expected = ConfigDict(
        {"sampler": "predictor_corrector", "steps": 500, "metric": "Fréchet distance", "value": 4.1, "n": 750}
    )
    return with_variant(config, variant)
