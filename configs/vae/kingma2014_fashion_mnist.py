r"""The variational autoencoder on Fashion-MNIST, as bytes.

Paper: Kingma and Welling, Auto-Encoding Variational Bayes, 2014, https://arxiv.org/abs/1312.6114
Data: python -m genjax_models.data fetch fashion_mnist
Command: python -m experiments.train --workdir=runs/vae_fashion_mnist \
    --config=configs/vae/kingma2014_fashion_mnist.py
Expected: 3.450 ± 0.021 bits/dim (kind elbo of bytes; the first 2,000 test images, seed 0); Fréchet distance 109 of
    means of p(x | z), 128 of drawn pixels (1,000, fashion_mnist features; real against real 3.6); 280 seconds on a
    shared x86-64 core.
Variants: `:conditional` on the class (Sohn et al., 2015), `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments import vae
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.fashion_mnist(vae.get_config(), **recipes.CONVOLUTIONS)
    config.observation = {"name": "logistic_mixture", "options": ConfigDict({"components": 5})}
    config.latent = 32
    config.eval.update({"likelihood": 2000, "rows": (("prior", 1), ("prior_pixels", 1))})
    config.expected = ConfigDict({"metric": "bits/dim", "kind": "elbo", "value": 3.45, "n": 2000})
    return with_variant(config, variant)
