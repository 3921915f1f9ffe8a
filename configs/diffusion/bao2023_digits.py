r"""U-ViT on 8x8 digits: noise prediction on the VP SDE.

Paper: Bao et al., All are Worth Words: A ViT Backbone for Diffusion Models, 2022, https://arxiv.org/abs/2209.12152
Command: python -m experiments.train --workdir=runs/uvit_digits \
    --config=configs/diffusion/bao2023_digits.py
Expected: not measured yet.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import diffusion, recipes
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(diffusion.vp_sde_config())
    config.net = ConfigDict({"name": "genjax_models.nets.UViT", "patch_size": 2, "width": 64, "depth": 5, "heads": 4})
    config.train.update({"steps": 2000, "dequantize": False, "optimizer": {"learning_rate": 4e-3}})
    config.sample.sampler = "euler_maruyama"
    config.eval.rows = (("euler_maruyama", 500), ("dpm_solver_pp_2m", 20), ("dpm_solver_pp_2m", 50))
    return with_variant(config, variant)
