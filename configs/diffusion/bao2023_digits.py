r"""U-ViT on 8x8 digits: noise prediction on the VP SDE.

Paper: Bao et al., All are Worth Words: A ViT Backbone for Diffusion Models, 2022, https://arxiv.org/abs/2209.12152
Command: python -m experiments.train --workdir=runs/uvit_digits \
    --config=configs/diffusion/bao2023_digits.py
Expected: Fréchet distance 25.3 at 500 steps of euler_maruyama, kernel distance 5.64, precision 0.39, recall 0.83;
    distance 22.1 at 20 steps of dpm_solver_pp_2m, 22.9 at 50 steps of dpm_solver_pp_2m (750 samples, seed 0, digits
    features; real images against real 3.2); 187 seconds on a shared x86-64 core. At a rate of 1e-3 48.7 and 36.8, at
    1e-2 21.8 in 20 steps; with the prediction v 24.3. A DiT in its place (depth 4, all else equal) has 12.0.
    No better: time added to every token (24.2), a last convolution that does not start at zero (22.3), positions of
    sines with blocks and skips that start as the identity (26.9).
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import diffusion
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(diffusion.vp_sde_config())
    config.net = ConfigDict({"name": "genjax_models.nets.UViT", "patch_size": 2, "width": 64, "depth": 5, "heads": 4})
    config.train.update({"steps": 2000, "dequantize": False, "optimizer": {"learning_rate": 4e-3}})
    config.sample.sampler = "euler_maruyama"
    config.eval.rows = (("euler_maruyama", 500), ("dpm_solver_pp_2m", 20), ("dpm_solver_pp_2m", 50))
    config.expected = ConfigDict(
        {"sampler": "euler_maruyama", "steps": 500, "metric": "Fréchet distance", "value": 25.3, "n": 750}
    )
    return with_variant(config, variant)
