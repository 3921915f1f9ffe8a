r"""A VAE with an autoregressive flow for its prior, on binarised 8x8 digits.

Of the paper's model this is the prior; its decoder is autoregressive as well.

Paper: Chen et al., Variational Lossy Autoencoder, 2017, https://arxiv.org/abs/1611.02731
Command: python -m experiments.train --workdir=runs/chen2017_digits \
    --config=configs/vae/chen2017_digits.py
Expected: 22.65 nats a test image, 0.511 bits/dim (kind importance(5000), n 296, seed 0); Fréchet distance 6.7 of
    means of p(x | z) (750 samples, seed 0, digits features; real images against real 3.2); 44 seconds on a shared
    x86-64 core.
Variants: `:mixture` for mixtures of normals of each latent variable given those before it (Uria et al., RNADE, 2013,
    https://arxiv.org/abs/1306.0186), `:conditional` on the class, `:smoke` within a minute, or several with commas.
"""

from ml_collections import ConfigDict

from experiments import vae
from experiments.config import recipes
from experiments.config.variants import with_variant


def _mixture(config: ConfigDict) -> None:
    config.prior.update({"name": "autoregressive", "components": 5})


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(vae.get_config(), **recipes.PERCEPTRONS)
    config.prior.name = "maf"
    config.eval.likelihood = 296
    config.likelihood.update({"kind": "importance", "samples": 5000})
    config.expected = ConfigDict({"metric": "nats", "kind": "importance(5000)", "value": 22.65, "n": 296})
    return with_variant(config, variant, {"mixture": _mixture})
