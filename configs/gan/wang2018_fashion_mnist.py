r"""ESRGAN on Fashion-MNIST: 28x28 pixels from 14x14.

Paper: Wang et al., ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks, 2018,
    https://arxiv.org/abs/1809.00219
Command: python -m experiments.train --workdir=runs/esrgan_fashion_mnist \
    --config=configs/gan/wang2018_fashion_mnist.py
Translations: python -m experiments.translate, with the same flags.
Expected: peak signal-to-noise ratio 21.15 dB, bicubic interpolation 19.34; the classifier fashion_mnist is right on
    0.896 of translations and on 0.911 of real images, agreement 0.956 (n 10000, seed 0); Fréchet distance 5.3 (1000
    translations, fashion_mnist features; real against real 3.6); 735 seconds on a shared x86-64 core.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import image_translation
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = image_translation.get_config("super_resolution")
    config.train.update({"steps": 2000, "batch_size": 16})
    config.expected = ConfigDict({"metric": "psnr", "value": 21.15, "n": 10000})
    return with_variant(config, variant)
