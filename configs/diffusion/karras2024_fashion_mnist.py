r"""EDM2 on Fashion-MNIST: magnitude-preserving network, learned uncertainty, an average chosen after training.

Paper: Karras et al., Analyzing and Improving the Training Dynamics of Diffusion Models (EDM2), 2024, https://arxiv.org/abs/2312.02696
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/edm2_fashion_mnist \
    --config=configs/diffusion/karras2024_fashion_mnist.py
Expected: not measured yet.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import diffusion, recipes
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.edm2(recipes.fashion_mnist(diffusion.edm_config()), multipliers=(1, 1, 2))
    config.sigma_data = 0.8
    return with_variant(config, variant)
