r"""Latent consistency distillation on 8x8 digits: guided samples of a class in a few steps, one evaluation each.

The teacher is a class-conditional EDM model, which the same command trains first; there is no autoencoder here, whose
latents the paper's data are.

Paper: Luo et al., Latent Consistency Models, 2023, https://arxiv.org/abs/2310.04378
Command: python -m experiments.train --workdir=runs/lcm_digits \
    --config=configs/consistency/luo2023_digits.py
Expected: not measured yet.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from configs.diffusion import karras2022_digits
from experiments import latent_consistency, recipes
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(latent_consistency.get_config())
    config.teacher = karras2022_digits.get_config("conditional")
    return with_variant(config, variant)
