r"""The importance weighted autoencoder on the first 10,000 images of MNIST, binarised.

Paper: Burda et al., Importance Weighted Autoencoders, 2016, https://arxiv.org/abs/1509.00519
Data: python -m genjax_models.data fetch mnist_10k
Command: python -m experiments.train --workdir=runs/iwae_mnist_10k \
    --config=configs/vae/burda2016_mnist_10k.py
Expected: -log p 105.1 ± 0.9 nats (kind importance(5000) of bits, 997 test images, seed 0); `:k1` 110.6 ± 1.0, `:k50`
    102.9 ± 0.9. Context, of 60,000 images and longer training: the paper's 85.5, k = 1 86.8, k = 50 84.8.
Variants: `:k1` and `:k50` for so many samples in place of 5, `:conditional` on the class, `:smoke` within a minute,
    or several with commas.
"""

from ml_collections import ConfigDict

from experiments import vae
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.mnist_10k(vae.get_config(), **recipes.PERCEPTRONS)
    config.latent = 50
    config.objective = {"name": "iwae", "options": ConfigDict({"num_samples": 5})}
    config.train.optimizer.learning_rate = 1e-3
    config.eval.update({"likelihood": 1000, "batch": 50})
    config.likelihood.update({"kind": "importance", "samples": 5000})
    config.expected = ConfigDict({"metric": "nats", "kind": "importance(5000)", "value": 105.1, "n": 997})
    others = {f"k{k}": lambda config, k=k: config.objective.options.update({"num_samples": k}) for k in (1, 50)}
    return with_variant(config, variant, others)
