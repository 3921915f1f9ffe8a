r"""The sub-VP SDE on 8x8 digits: continuous time, noise prediction, SDE and ODE samplers, likelihood.

Paper: Song et al., Score-Based Generative Modeling through Stochastic Differential Equations, 2021, https://arxiv.org/abs/2011.13456
Command: python -m experiments.train --workdir=runs/sub_vp_sde_digits \
    --config=configs/diffusion/song2021_sub_vp_digits.py
Expected: Fréchet distance 8.5 at 500 steps of predictor and corrector, 9.2 at 20 of DPM-Solver++(2M) (750 samples,
    seed 0, digits features; real images against real 3.2); 5.98 ± 0.02 bits/dim (kind ode, n 296).
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from configs.diffusion import song2021_vp_digits
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants: the VP SDE's with another process."""
    config = song2021_vp_digits.get_config()
    config.process = "sub_vp"
    config.expected.update({"value": 8.5})
    return with_variant(config, variant)
