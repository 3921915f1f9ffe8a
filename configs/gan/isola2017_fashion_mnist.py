r"""pix2pix on Fashion-MNIST: clothes from their outlines.

Paper: Isola et al., Image-to-Image Translation with Conditional Adversarial Networks, 2017,
    https://arxiv.org/abs/1611.07004
Command: python -m experiments.train --workdir=runs/pix2pix_fashion_mnist \
    --config=configs/gan/isola2017_fashion_mnist.py
Translations: python -m experiments.translate, with the same flags.
Expected: not measured yet.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import image_translation
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = image_translation.get_config("pix2pix")
    config.train.update({"steps": 2000, "batch_size": 16})
    return with_variant(config, variant)
