r"""DDPM on 5,000 images of MNIST.

Paper: Ho et al., Denoising Diffusion Probabilistic Models, 2020, https://arxiv.org/abs/2006.11239
Data: python -m genjax_models.data fetch mnist_5k
Command: python -m experiments.train --workdir=runs/ddpm_mnist_5k \
    --config=configs/diffusion/ho2020_mnist_5k.py
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import diffusion, recipes
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.mnist_5k(diffusion.get_config())
    config.eval.rows = config.eval.rows[1:]  # the first, 1000 steps, would take a quarter of an hour
    return with_variant(config, variant)
