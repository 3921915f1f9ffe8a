r"""2-rectified flow on Fashion-MNIST: trained on the pairs of a first flow, which the same command trains first.

Paper: Liu et al., Flow Straight and Fast: Learning to Generate and Transfer Data with Rectified Flow, 2023, https://arxiv.org/abs/2209.03003
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/reflow_fashion_mnist \
    --config=configs/flow_matching/liu2023_fashion_mnist.py
Expected: Fréchet distance 47.8 at one Euler step, 36.6 at 4, 28.5 at 10, 21.1 at 50 (1,000 samples, seed 0,
    fashion_mnist features; real images against real 3.6); its teacher reaches 202 at one step, 16.3 at 10.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from configs.flow_matching import lipman2023_fashion_mnist
from experiments.config import recipes
from experiments.config.variants import with_variant
from experiments.flow_matching import reflow


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.fashion_mnist(reflow.get_config())
    config.teacher = lipman2023_fashion_mnist.get_config()
    config.time = config.teacher.time.copy_and_resolve_references()
    config.train.steps = 2400  # with the pairs, the time of the others' 3,200
    config.pairs.steps = 10
    config.eval.rows = tuple(("euler", steps) for steps in recipes.STEPS)
    config.expected = ConfigDict(
        {"sampler": "euler", "steps": 1, "metric": "Fréchet distance", "value": 47.8, "n": 1000}
    )
    return with_variant(config, variant)
