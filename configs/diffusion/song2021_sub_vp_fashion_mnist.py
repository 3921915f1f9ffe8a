r"""The sub-VP SDE on Fashion-MNIST: continuous time, noise prediction, SDE and ODE samplers, likelihood.

Paper: Song et al., Score-Based Generative Modeling through Stochastic Differential Equations, 2021, https://arxiv.org/abs/2011.13456
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/sub_vp_sde_fashion_mnist \
    --config=configs/diffusion/song2021_sub_vp_fashion_mnist.py
Expected: not measured yet.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from configs.diffusion import song2021_vp_fashion_mnist
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants: the VP SDE's with another process."""
    config = song2021_vp_fashion_mnist.get_config()
    config.process = "sub_vp"
    return with_variant(config, variant)
