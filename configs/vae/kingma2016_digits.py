r"""A VAE whose posterior is an inverse autoregressive flow, on binarised 8x8 digits.

Paper: Kingma et al., Improving Variational Inference with Inverse Autoregressive Flow, 2016,
    https://arxiv.org/abs/1606.04934
Command: python -m experiments.train --workdir=runs/iaf_digits \
    --config=configs/vae/kingma2016_digits.py
Expected: 22.75 nats a test image, 0.513 bits/dim (kind importance(5000), n 296, seed 0); Fréchet distance 9.6 of
    means of p(x | z) (750 samples, seed 0, digits features; real images against real 3.2); 70 seconds on a shared
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
    config.posterior.name = "iaf"
    config.eval.likelihood = 296
    config.likelihood.update({"kind": "importance", "samples": 5000})
    config.expected = ConfigDict({"metric": "nats", "kind": "importance(5000)", "value": 22.75, "n": 296})
    return with_variant(config, variant)
