r"""Flow matching with minibatch optimal transport (OT-CFM) on Fashion-MNIST.

Paper: Tong et al., Improving and Generalizing Flow-Based Generative Models with Minibatch OT, 2023, https://arxiv.org/abs/2302.00482
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/otcfm_fashion_mnist \
    --config=configs/flow_matching/tong2023_fashion_mnist.py
Expected: not measured yet.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from configs.flow_matching import lipman2023_fashion_mnist
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants: independent pairs replaced by the optimal ones of each batch."""
    config = lipman2023_fashion_mnist.get_config()
    config.coupling = "minibatch_ot"
    return with_variant(config, variant)
