r"""Flow++ on Fashion-MNIST: mixtures of logistics inside the couplings, variational dequantisation; few steps.

Paper: Ho et al., Flow++: Improving Flow-Based Generative Models with Variational Dequantization, 2019, https://arxiv.org/abs/1902.00275
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/ho2019_fashion_mnist \
    --config=configs/flows/ho2019_fashion_mnist.py
Expected: not measured yet.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import flows, recipes
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.fashion_mnist(flows.get_config(), net=recipes.RESNET | {"width": 16, "out_std": 1e-3})
    config.flow.update({"name": "flow_plus_plus", "options": ConfigDict({"components": 4})})
    config.dequantization.update({"name": "variational", "depth": 2, "components": 4})
    config.train.steps = 800
    return with_variant(config, variant)
