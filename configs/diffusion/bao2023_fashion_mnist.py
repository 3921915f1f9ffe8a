r"""U-ViT on Fashion-MNIST: noise prediction on the VP SDE.

Paper: Bao et al., All are Worth Words: A ViT Backbone for Diffusion Models, 2022, https://arxiv.org/abs/2209.12152
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/uvit_fashion_mnist \
    --config=configs/diffusion/bao2023_fashion_mnist.py
Expected: not measured yet.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import diffusion, recipes
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.fashion_mnist(diffusion.vp_sde_config())
    config.net = ConfigDict({"name": "genjax_models.nets.UViT", "patch_size": 4, "width": 128, "depth": 5, "heads": 4})
    config.train.dequantize = False
    config.sample.sampler = "euler_maruyama"
    config.eval.rows = (("euler_maruyama", 200), ("dpm_solver_pp_2m", 20), ("dpm_solver_pp_2m", 50))
    return with_variant(config, variant)
