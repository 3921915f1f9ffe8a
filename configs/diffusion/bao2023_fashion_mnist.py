r"""U-ViT on Fashion-MNIST: noise prediction on the VP SDE.

Paper: Bao et al., All are Worth Words: A ViT Backbone for Diffusion Models, 2022, https://arxiv.org/abs/2209.12152
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/uvit_fashion_mnist \
    --config=configs/diffusion/bao2023_fashion_mnist.py
Expected: Fréchet distance 125 at 200 steps of euler_maruyama, kernel distance 6.17, precision 0.74, recall 0.23;
    distance 131 at 20 steps of dpm_solver_pp_2m, 133 at 50 steps of dpm_solver_pp_2m (1000 samples, seed 0,
    fashion_mnist features; real images against real 3.6); 3.6 steps a second on one x86-64
    core. What was tried on digits against this: `bao2023_digits`.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import diffusion
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.fashion_mnist(diffusion.vp_sde_config())
    config.net = ConfigDict({"name": "genjax_models.nets.UViT", "patch_size": 4, "width": 128, "depth": 5, "heads": 4})
    config.train.dequantize = False
    config.sample.sampler = "euler_maruyama"
    config.eval.rows = (("euler_maruyama", 200), ("dpm_solver_pp_2m", 20), ("dpm_solver_pp_2m", 50))
    config.expected = ConfigDict(
        {"sampler": "euler_maruyama", "steps": 200, "metric": "Fréchet distance", "value": 125, "n": 1000}
    )
    return with_variant(config, variant)
