r"""The variance-exploding SDE on 8x8 digits with its paper's network, NCSN++, scaled as EDM scales it.

Paper: Song et al., Score-Based Generative Modeling through Stochastic Differential Equations, 2021, https://arxiv.org/abs/2011.13456
Command: python -m experiments.train --workdir=runs/ncsnpp_digits \
    --config=configs/diffusion/song2021_ncsnpp_digits.py
Expected: Fréchet distance 7.0 at 500 steps of predictor_corrector, kernel distance 1.17, precision 0.67, recall 0.91;
    distance 8.9 at 500 steps of reverse_diffusion, 9.0 at 18 steps of edm_heun (750 samples, seed 0, digits features;
    real images against real 3.2); 4.84 ± 0.03 bits/dim of images with noise of 0.01 (kind ode, n 296); 280
    seconds on a shared x86-64 core.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import diffusion
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(diffusion.ve_sde_config())
    config.net = ConfigDict(
        {
            "name": "genjax_models.nets.NCSNpp",
            "channels": 16,
            "multipliers": (1, 2),
            "num_blocks": 1,
            "attention_levels": (1,),
            "groups": 4,
        }
    )
    config.train.steps = 1500
    config.eval.likelihood = 296
    config.expected = ConfigDict(
        {"sampler": "predictor_corrector", "steps": 500, "metric": "Fréchet distance", "value": 7.0, "n": 750}
    )
    return with_variant(config, variant)
