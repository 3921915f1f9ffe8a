r"""The importance weighted autoencoder on binarised 8x8 digits.

Paper: Burda et al., Importance Weighted Autoencoders, 2016, https://arxiv.org/abs/1509.00519
Command: python -m experiments.train --workdir=runs/iwae_digits \
    --config=configs/vae/burda2016_digits.py
Expected: 22.74 nats a test image, 0.513 bits/dim (kind importance(5000), n 296, seed 0); Fréchet distance 7.7 of
    means of p(x | z) (750 samples, seed 0, digits features; real images against real 3.2).
Variants: `:k1` and `:k50` for so many samples in place of 5, `:conditional` on the class, `:smoke` within a minute,
    or several with commas.
"""

from ml_collections import ConfigDict

from experiments import vae
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(vae.get_config(), **recipes.PERCEPTRONS)
    config.latent = 50
    config.objective = {"name": "iwae", "options": ConfigDict({"num_samples": 5})}
    config.eval.likelihood = 296
    config.likelihood.update({"kind": "importance", "samples": 5000})
    others = {f"k{k}": lambda config, k=k: config.objective.options.update({"num_samples": k}) for k in (1, 50)}
    config.expected = ConfigDict({"metric": "nats", "kind": "importance(5000)", "value": 22.74, "n": 296})
    return with_variant(config, variant, others)
