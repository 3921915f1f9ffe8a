r"""Latent consistency distillation on 8x8 digits: guided samples of a class in a few steps, one evaluation each.

The teacher is a class-conditional EDM model, which the same command trains first; there is no autoencoder here, whose
latents the paper's data are.

Paper: Luo et al., Latent Consistency Models, 2023, https://arxiv.org/abs/2310.04378
Command: python -m experiments.train --workdir=runs/lcm_digits \
    --config=configs/consistency/luo2023_digits.py
Expected: Fréchet distance 3.4 at one step and a guidance of 1, 2.6 at four; at a guidance of 2 6.0 and 4.2, precision
    0.96 and 0.92 for 0.89 and 0.87 (750 samples, seed 0, digits features; real images against real 3.2). The teacher's
    18 steps of Heun's method, guided so, have 1.5 and 3.7. Three minutes of a shared x86-64 core each.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from configs.diffusion import karras2022_digits
from experiments.config import recipes
from experiments.config.variants import with_variant
from experiments.consistency import latent


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(latent.get_config())
    config.teacher = karras2022_digits.get_config("conditional")
    config.expected = ConfigDict(
        {"sampler": "multistep", "steps": 4, "metric": "Fréchet distance", "value": 4.2, "n": 750}
    )
    return with_variant(config, variant)
