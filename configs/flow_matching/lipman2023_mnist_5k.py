"""Flow matching on 5,000 images of MNIST.

Paper: Lipman et al., Flow Matching for Generative Modeling, 2023, https://arxiv.org/abs/2210.02747
Data: python -m genjax_models.data fetch mnist_5k
Command: python -m experiments.train --config=configs/flow_matching/lipman2023_mnist_5k.py --workdir=runs/flow_matching_mnist_5k
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import flow_matching
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = flow_matching.get_config()
    config.data.update({"name": "mnist_5k", "shape": (28, 28, 1)})
    config.eval.features = "mnist"
    config.train.update({"steps": 3000, "batch_size": 128})
    config.eval.rows = (
        ("euler", 1),
        ("euler", 2),
        ("euler", 5),
        ("euler", 10),
        ("euler", 50),
        ("heun", 5),
        ("heun", 10),
    )
    return with_variant(config, variant)
