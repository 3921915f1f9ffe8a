r"""SiT on 8x8 digits: the diffusion transformer on the straight interpolant, sampled by an ODE or an SDE.

Paper: Ma et al., SiT: Exploring Flow and Diffusion-based Generative Models with Scalable Interpolant Transformers,
    2024, https://arxiv.org/abs/2401.08740
Command: python -m experiments.train --workdir=runs/sit_digits \
    --config=configs/flow_matching/ma2024_digits.py
Time: 3 minutes of one x86-64 core.
Expected: Fréchet distance 7.2 at 25 steps of Heun's method, 7.3 at 250 of the SDE (750 samples, seed 0, digits
    features; real images against real 3.2). With the other methods' learning rate, 1e-3, the loss stays at 0.49
    and the distances at 13.8 and 14.7.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import flow_matching
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(flow_matching.get_config())
    config.net = ConfigDict({"name": "genjax_models.nets.DiT", "patch_size": 2, "width": 64, "depth": 4, "heads": 4})
    config.train.update({"steps": 2000, "optimizer": {"learning_rate": 4e-3}})
    config.sample.update({"sampler": "interpolant_sde", "steps": 250})
    config.eval.rows = (("heun", 10), ("heun", 25), ("interpolant_sde", 250))
    config.expected = ConfigDict({"sampler": "heun", "steps": 25, "metric": "Fréchet distance", "value": 7.2, "n": 750})
    return with_variant(config, variant)
