r"""EDM on 8x8 digits: preconditioned network, log-normal noise levels, Heun's method on EDM's grid.

Paper: Karras et al., Elucidating the Design Space of Diffusion-Based Generative Models, 2022, https://arxiv.org/abs/2206.00364
Command: python -m experiments.train --workdir=runs/edm_digits \
    --config=configs/diffusion/karras2022_digits.py
Expected: Fréchet distance 1.5 at 18 steps of Heun's method, 2.0 at 10 of DPM-Solver++(2M) (750 samples, seed 0, digits
    features; real images against real 3.2); 80 seconds on two x86-64 cores.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import diffusion
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(diffusion.edm_config())
    config.expected = ConfigDict(
        {"sampler": "edm_heun", "steps": 18, "metric": "Fréchet distance", "value": 1.5, "n": 750}
    )
    return with_variant(config, variant)
