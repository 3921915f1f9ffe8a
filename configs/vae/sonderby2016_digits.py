r"""The ladder VAE on binarised 8x8 digits: three levels, with a warm-up of the divergence.

Paper: Sønderby et al., Ladder Variational Autoencoders, 2016, https://arxiv.org/abs/1602.02282
Command: python -m experiments.train --workdir=runs/ladder_digits \
    --config=configs/vae/sonderby2016_digits.py
Expected: 22.55 nats a test image, 0.508 bits/dim (kind importance(1000), n 296, seed 0); Fréchet distance 7.0 of
    means of p(x | z) (750 samples, seed 0, digits features; real images against real 3.2); 45 seconds on a shared
    x86-64 core.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments.config import recipes
from experiments.config.variants import with_variant
from experiments.vae import hierarchical


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(hierarchical.get_config(), net=recipes.LADDER)
    config.posterior = "precision_weighted"
    config.observation = {"name": "bernoulli", "options": ConfigDict()}
    config.beta.warmup_steps = 1000
    config.eval.update({"rows": (("prior", 1),), "likelihood": 296})
    config.likelihood.update({"kind": "importance", "samples": 1000})
    config.expected = ConfigDict({"metric": "nats", "kind": "importance(1000)", "value": 22.55, "n": 296})
    return with_variant(config, variant)
