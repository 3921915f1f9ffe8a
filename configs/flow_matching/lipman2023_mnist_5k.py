r"""Flow matching on 5,000 images of MNIST.

Paper: Lipman et al., Flow Matching for Generative Modeling, 2023, https://arxiv.org/abs/2210.02747
Data: python -m genjax_models.data fetch mnist_5k
Command: python -m experiments.train --workdir=runs/fm_mnist_5k \
    --config=configs/flow_matching/lipman2023_mnist_5k.py
Time: 0.28 s a step, 6 minutes, on two quiet x86-64 cores.
Expected: Fréchet distance 42.5 at 50 Euler steps (500 samples, seed 0, mnist features; real images against real 11.9).
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import flow_matching
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.mnist_5k(flow_matching.get_config())
    config.time.update({"name": "logit_normal", "options": ConfigDict({"mean": 0.0, "std": 1.0})})
    config.expected = ConfigDict(
        {"sampler": "euler", "steps": 50, "metric": "Fréchet distance", "value": 42.5, "n": 500}
    )
    return with_variant(config, variant)
