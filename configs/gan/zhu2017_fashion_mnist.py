r"""CycleGAN on Fashion-MNIST: clothes to the outlines of others, and back.

Paper: Zhu et al., Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks, 2017,
    https://arxiv.org/abs/1703.10593
Command: python -m experiments.train --workdir=runs/cyclegan_fashion_mnist \
    --config=configs/gan/zhu2017_fashion_mnist.py
Translations: python -m experiments.translate, with the same flags.
Expected: absolute error around the cycle 0.116 from the images, 0.115 from their views; the classifier fashion_mnist
    is right on 0.679 of translations and on 0.908 of real images, agreement 0.911 (n 5000, seed 0); Fréchet distance
    43.2 (1000 translations, fashion_mnist features; real against real 3.6); 599 seconds on a shared x86-64 core.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import image_translation
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = image_translation.get_config("cyclegan")
    config.data.name, config.view = "fashion_mnist", "outlines"
    config.eval.update({"features": "fashion_mnist", "num": 1000, "batch": 1000})
    config.weights.identity = 0.5  # both domains are grey
    config.train.update({"steps": 2000, "batch_size": 4})
    config.expected = ConfigDict({"metric": "cycle_x", "value": 0.116, "n": 5000})
    return with_variant(config, variant)
