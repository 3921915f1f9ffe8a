r"""DDPM on Fashion-MNIST.

Paper: Ho et al., Denoising Diffusion Probabilistic Models, 2020, https://arxiv.org/abs/2006.11239
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/ddpm_fashion_mnist \
    --config=configs/diffusion/ho2020_fashion_mnist.py
Time: 0.28 s a step, 15 minutes, on two quiet x86-64 cores; the 1000-step row of the evaluation takes 20 more.
Expected: Fréchet distance 17.0 at 1000 ancestral steps, 15.3 at 50, 18.5 at 10 of DPM-Solver++(2M) (1,000
    samples, seed 0, fashion_mnist features; real images against real 3.6).
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import diffusion
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.fashion_mnist(diffusion.get_config())
    samplers = ("ancestral", "ddim", "dpm_solver_pp_2m")
    config.eval.rows = tuple((sampler, steps) for sampler in samplers for steps in recipes.STEPS)
    config.eval.rows += (("ancestral", 1000),)
    config.expected = ConfigDict(
        {"sampler": "ancestral", "steps": 1000, "metric": "Fréchet distance", "value": 17.0, "n": 1000}
    )
    return with_variant(config, variant)
