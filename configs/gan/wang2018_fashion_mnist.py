r"""ESRGAN on Fashion-MNIST: 28x28 pixels from 14x14.

Paper: Wang et al., ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks, 2018,
    https://arxiv.org/abs/1809.00219
Command: python -m experiments.train --workdir=runs/esrgan_fashion_mnist \
    --config=configs/gan/wang2018_fashion_mnist.py
Translations: python -m experiments.translate, with the same flags.
Expected: not measured yet; `psnr` beside `cubic_psnr`, that of bicubic interpolation.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import image_translation
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = image_translation.get_config("super_resolution")
    config.train.update({"steps": 2000, "batch_size": 16})
    return with_variant(config, variant)
