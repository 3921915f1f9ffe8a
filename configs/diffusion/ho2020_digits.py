r"""DDPM on 8x8 digits.

Paper: Ho et al., Denoising Diffusion Probabilistic Models, 2020, https://arxiv.org/abs/2006.11239
Command: python -m experiments.train --workdir=runs/ddpm_digits \
    --config=configs/diffusion/ho2020_digits.py
Expected: Fréchet distance 8.8 at 1000 ancestral steps, 6.5 at 10 of DPM-Solver++(2M) (750 samples, seed 0, digits
    features; real images against real 3.2); 80 seconds on two x86-64 cores.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import diffusion
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(diffusion.get_config())
    config.expected = ConfigDict(
        {"sampler": "ancestral", "steps": 1000, "metric": "Fréchet distance", "value": 8.8, "n": 750}
    )
    return with_variant(config, variant)
