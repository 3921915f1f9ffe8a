r"""FactorVAE on binarised 8x8 digits.

Paper: Kim and Mnih, Disentangling by Factorising, 2018, https://arxiv.org/abs/1802.05983
Command: python -m experiments.train --workdir=runs/factor_vae_digits \
    --config=configs/vae/kim2018_digits.py
Expected: 22.88 nats a test image, 0.516 bits/dim (kind importance(5000), n 296, seed 0); Fréchet distance 11.9 of
    means of p(x | z) (750 samples, seed 0, digits features; real images against real 3.2); 69 seconds on a shared
    x86-64 core.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from experiments.config import recipes
from experiments.config.variants import with_variant
from experiments.vae import adversarial


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.digits(adversarial.get_config(), **recipes.PERCEPTRONS)
    config.eval.likelihood = 296
    config.likelihood.update({"kind": "importance", "samples": 5000})
    config.expected = ConfigDict({"metric": "nats", "kind": "importance(5000)", "value": 22.88, "n": 296})
    return with_variant(config, variant)
