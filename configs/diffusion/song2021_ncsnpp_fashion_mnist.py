r"""The variance-exploding SDE on Fashion-MNIST with its paper's network, NCSN++, scaled as EDM scales it.

Paper: Song et al., Score-Based Generative Modeling through Stochastic Differential Equations, 2021, https://arxiv.org/abs/2011.13456
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/ncsnpp_fashion_mnist \
    --config=configs/diffusion/song2021_ncsnpp_fashion_mnist.py
Expected: Fréchet distance 34.6 at 100 steps of predictor_corrector, kernel distance 1.94, precision 0.85, recall 0.70;
    distance 42.1 at 18 steps of edm_heun (1000 samples, seed 0, fashion_mnist features; real images against real 3.6);
    3.47 ± 0.07 bits/dim of images with noise of 0.01 (kind ode, n 128); 2188 seconds on a shared x86-64 core.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import diffusion
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.fashion_mnist(diffusion.ve_sde_config())
    config.net = ConfigDict(
        {
            "name": "genjax_models.nets.NCSNpp",
            "channels": 16,
            "multipliers": (1, 1, 2),
            "num_blocks": 1,
            "attention_levels": (1,),
            "groups": 4,
        }
    )
    config.sigma_data = 0.8
    config.eval.update({"likelihood": 128, "rows": (("predictor_corrector", 100), ("edm_heun", 18))})
    config.expected = ConfigDict(
        {"sampler": "predictor_corrector", "steps": 100, "metric": "Fréchet distance", "value": 34.6, "n": 1000}
    )
    return with_variant(config, variant)
