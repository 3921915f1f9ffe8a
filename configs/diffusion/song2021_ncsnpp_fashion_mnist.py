r"""The variance-exploding SDE on Fashion-MNIST with its paper's network, NCSN++, scaled as EDM scales it.

Paper: Song et al., Score-Based Generative Modeling through Stochastic Differential Equations, 2021, https://arxiv.org/abs/2011.13456
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/ncsnpp_fashion_mnist \
    --config=configs/diffusion/song2021_ncsnpp_fashion_mnist.py
Expected: not measured yet.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import diffusion, recipes
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.fashion_mnist(diffusion.ve_sde_config())
    config.net = ConfigDict(
        {
            "name": "genjax_models.nets.NCSNpp",
            "channels": 16,
            "multipliers": (1, 1, 2),
            "num_blocks": 1,
            "attention_levels": (1,),
            "groups": 4,
        }
    )
    config.sigma_data = 0.8
    config.eval.update({"likelihood": 128, "rows": (("predictor_corrector", 100), ("edm_heun", 18))})
    return with_variant(config, variant)
