r"""TarFlow on Fashion-MNIST: four causal transformers over 4x4 patches, in turns.

Paper: Zhai et al., Normalizing Flows are Capable Generative Models, 2024, https://arxiv.org/abs/2412.06329
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/zhai2024_fashion_mnist \
    --config=configs/flows/zhai2024_fashion_mnist.py
Expected: 3.987 ± 0.009 bits/dim (kind elbo: uniform dequantisation; the whole test set, n 10,000, seed 0); samples at a
    Fréchet distance of 167 (1,000, fashion_mnist features; real against real 3.6).
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import flows
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.fashion_mnist(
        flows.get_config(), net={"name": "genjax_models.nets.CausalTransformer", "width": 128, "depth": 3, "heads": 4}
    )
    config.flow.update({"name": "tarflow", "options": ConfigDict({"patch_size": 4, "depth": 4})})
    config.train.steps = 1200
    config.expected = ConfigDict({"metric": "bits/dim", "kind": "elbo", "value": 3.987, "n": 10000})
    return with_variant(config, variant)
