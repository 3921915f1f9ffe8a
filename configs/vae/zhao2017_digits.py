r"""InfoVAE with the MMD on binarised 8x8 digits: the MMD-VAE, which leaves the divergence out.

Paper: Zhao et al., InfoVAE: Balancing Learning and Inference in Variational Autoencoders, 2017,
    https://arxiv.org/abs/1706.02262
Command: python -m experiments.train --workdir=runs/info_vae_digits \
    --config=configs/vae/zhao2017_digits.py
Expected: 54.40 nats a test image, 1.226 bits/dim (kind importance(5000), n 296, seed 0); Fréchet distance 14.8 of
    means of p(x | z) (750 samples, seed 0, digits features; real images against real 3.2); 29 seconds on a shared
    x86-64 core. With α = 1 nothing holds the posteriors to the prior but their mixture, hence the nats.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import vae
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(vae.get_config(), **recipes.PERCEPTRONS)
    config.objective = {"name": "info", "options": ConfigDict({"alpha": 1.0, "weight": 100.0})}
    config.eval.likelihood = 296
    config.likelihood.update({"kind": "importance", "samples": 5000})
    config.expected = ConfigDict({"metric": "nats", "kind": "importance(5000)", "value": 54.4, "n": 296})
    return with_variant(config, variant)
