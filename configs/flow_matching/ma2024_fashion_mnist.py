r"""SiT on Fashion-MNIST: the diffusion transformer on the straight interpolant, sampled by an ODE or an SDE.

Paper: Ma et al., SiT: Exploring Flow and Diffusion-based Generative Models with Scalable Interpolant Transformers,
    2024, https://arxiv.org/abs/2401.08740
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/sit_fashion_mnist \
    --config=configs/flow_matching/ma2024_fashion_mnist.py
Expected: Fréchet distance 42.9 at 25 steps of heun, kernel distance 2.58, precision 0.82, recall 0.68; distance 45.3 at
    10 steps of heun, 40.6 at 250 steps of interpolant_sde (1000 samples, seed 0, fashion_mnist features; real images
    against real 3.6); 1702 seconds on a shared x86-64 core.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import flow_matching
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.fashion_mnist(flow_matching.get_config())
    config.net = ConfigDict({"name": "genjax_models.nets.DiT", "patch_size": 4, "width": 128, "depth": 6, "heads": 4})
    config.sample.update({"sampler": "interpolant_sde", "steps": 250})
    config.eval.rows = (("heun", 10), ("heun", 25), ("interpolant_sde", 250))
    config.expected = ConfigDict(
        {"sampler": "heun", "steps": 25, "metric": "Fréchet distance", "value": 42.9, "n": 1000}
    )
    return with_variant(config, variant)
