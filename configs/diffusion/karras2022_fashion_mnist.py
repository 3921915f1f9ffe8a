r"""EDM on Fashion-MNIST: preconditioned network, log-normal noise levels, Heun's method on EDM's grid.

Paper: Karras et al., Elucidating the Design Space of Diffusion-Based Generative Models, 2022, https://arxiv.org/abs/2206.00364
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/edm_fashion_mnist \
    --config=configs/diffusion/karras2022_fashion_mnist.py
Time: 15 minutes on two quiet x86-64 cores, as for the others.
Expected: Fréchet distance 16.4 at 20 steps of Heun's method, 17.5 at 10 of DPM-Solver++(2M), 15.8 at 50 (1,000
    samples, seed 0, fashion_mnist features; real images against real 3.6). These images have a root mean square of
    0.8; scaled by the paper's 0.5, Heun's 18 steps were at 24.1 with its noise levels and at 23.4 with N(0, 1.4).
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import diffusion
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.fashion_mnist(diffusion.edm_config())
    config.sigma_data = 0.8
    config.time.options.update({"mean": 0.0, "std": 1.0})
    solvers = ("edm_heun", "dpm_solver_pp_2m")
    config.eval.rows = tuple((solver, steps) for solver in solvers for steps in recipes.STEPS[1:])  # its grid needs 2
    config.expected = ConfigDict(
        {"sampler": "edm_heun", "steps": 20, "metric": "Fréchet distance", "value": 16.4, "n": 1000}
    )
    return with_variant(config, variant)
