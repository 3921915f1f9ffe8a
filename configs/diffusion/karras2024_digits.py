r"""EDM2 on 8x8 digits: magnitude-preserving network, learned uncertainty, an average chosen after training.

Paper: Karras et al., Analyzing and Improving the Training Dynamics of Diffusion Models (EDM2), 2024, https://arxiv.org/abs/2312.02696
Command: python -m experiments.train --workdir=runs/edm2_digits \
    --config=configs/diffusion/karras2024_digits.py
Time: 4 minutes of one x86-64 core.
Expected: Fréchet distance 5.3 at 18 steps of Heun's method (750 samples, seed 0, digits features; real images against
    real 3.2). The same run with averages of other widths, `--config.train.ema.sigma_rel`: 5.7 at 0.10, 6.1 at 0.15,
    6.7 at 0.20; the short one is best, so more steps would help.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import diffusion
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.edm2(recipes.digits(diffusion.edm_config()), multipliers=(1, 2))
    config.train.steps = 1500
    config.train.ema.snapshot_every = 75
    config.expected = ConfigDict(
        {"sampler": "edm_heun", "steps": 18, "metric": "Fréchet distance", "value": 5.3, "n": 750}
    )
    return with_variant(config, variant)
