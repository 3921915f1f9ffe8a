r"""DDPM on 5,000 images of MNIST.

Paper: Ho et al., Denoising Diffusion Probabilistic Models, 2020, https://arxiv.org/abs/2006.11239
Data: python -m genjax_models.data fetch mnist_5k
Command: python -m experiments.train --workdir=runs/ddpm_mnist_5k \
    --config=configs/diffusion/ho2020_mnist_5k.py
Time: 0.28 s a step, 6 minutes, on two quiet x86-64 cores.
Expected: Fréchet distance 88.9 at 10 steps of DPM-Solver++(2M), 93.2 at 50 of DDIM (500 samples, seed 0, mnist
    features; real images against real 11.9): 1,200 steps are few for noise prediction, flow matching is at 42.5.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import diffusion
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.mnist_5k(diffusion.get_config())
    config.eval.rows = config.eval.rows[1:]  # the first, 1000 steps, would take a quarter of an hour
    config.expected = ConfigDict(
        {"sampler": "dpm_solver_pp_2m", "steps": 10, "metric": "Fréchet distance", "value": 88.9, "n": 500}
    )
    return with_variant(config, variant)
