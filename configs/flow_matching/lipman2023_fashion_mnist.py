r"""Flow matching on Fashion-MNIST.

Paper: Lipman et al., Flow Matching for Generative Modeling, 2023, https://arxiv.org/abs/2210.02747
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/fm_fashion_mnist \
    --config=configs/flow_matching/lipman2023_fashion_mnist.py
Time: 0.28 s a step, 14.8 minutes with the start, on two quiet x86-64 cores.
Expected: Fréchet distance 16.3 at 10 Euler steps, 13.0 at 50 (1,000 samples, seed 0, fashion_mnist features; real
    images against real 3.6). With --config.eval.likelihood=128 4.55 ± 0.05 bits/dim (kind ode), for which it is not
    trained.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import flow_matching
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.fashion_mnist(flow_matching.get_config())
    config.time.update({"name": "logit_normal", "options": ConfigDict({"mean": 0.0, "std": 1.0})})
    config.eval.rows = tuple(("euler", steps) for steps in recipes.STEPS)
    config.expected = ConfigDict(
        {"sampler": "euler", "steps": 10, "metric": "Fréchet distance", "value": 16.3, "n": 1000}
    )
    return with_variant(config, variant)
