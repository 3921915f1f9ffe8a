r"""The beta-TC-VAE on binarised 8x8 digits: six times the total correlation.

Paper: Chen et al., Isolating Sources of Disentanglement in VAEs, 2018, https://arxiv.org/abs/1802.04942
Command: python -m experiments.train --workdir=runs/tc_vae_digits \
    --config=configs/vae/chen2018_tc_digits.py
Expected: 23.56 nats a test image, 0.531 bits/dim (kind importance(5000), n 296, seed 0); Fréchet distance 27.3 of
    means of p(x | z) (750 samples, seed 0, digits features; real images against real 3.2); 47 seconds on a shared
    x86-64 core.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import vae
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(vae.get_config(), **recipes.PERCEPTRONS)
    config.objective = {"name": "total_correlation", "options": ConfigDict({"num_data": 1501})}
    config.beta.value = 6.0
    config.eval.likelihood = 296
    config.likelihood.update({"kind": "importance", "samples": 5000})
    config.expected = ConfigDict({"metric": "nats", "kind": "importance(5000)", "value": 23.56, "n": 296})
    return with_variant(config, variant)
