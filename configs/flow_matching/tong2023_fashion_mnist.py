r"""Flow matching with minibatch optimal transport (OT-CFM) on Fashion-MNIST.

Paper: Tong et al., Improving and Generalizing Flow-Based Generative Models with Minibatch OT, 2023, https://arxiv.org/abs/2302.00482
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/otcfm_fashion_mnist \
    --config=configs/flow_matching/tong2023_fashion_mnist.py
Expected: Fréchet distance 85.7 at one Euler step, where independent pairs have 202, and 14.8 at 50, where they have
    13.0 (1,000 samples, seed 0, fashion_mnist features; real images against real 3.6); 50.4, 32.4, 19.8 and 16.1 at 2,
    4, 10 and 20. 19 minutes of a shared x86-64 core.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from configs.flow_matching import lipman2023_fashion_mnist
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants: independent pairs replaced by the optimal ones of each batch."""
    config = lipman2023_fashion_mnist.get_config()
    config.coupling = "minibatch_ot"
    config.expected.update({"steps": 1, "value": 85.7})
    return with_variant(config, variant)
