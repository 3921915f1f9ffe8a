r"""pix2pix on Fashion-MNIST: clothes from their outlines.

Paper: Isola et al., Image-to-Image Translation with Conditional Adversarial Networks, 2017,
    https://arxiv.org/abs/1611.07004
Command: python -m experiments.train --workdir=runs/pix2pix_fashion_mnist \
    --config=configs/gan/isola2017_fashion_mnist.py
Translations: python -m experiments.translate, with the same flags.
Expected: absolute error 0.110, peak signal-to-noise ratio 20.01 dB; the classifier fashion_mnist is right on 0.849 of
    translations and on 0.911 of real images, agreement 0.888 (n 10000, seed 0); Fréchet distance 10.4 (1000
    translations, fashion_mnist features; real against real 3.6); 223 seconds on a shared x86-64 core.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import image_translation
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = image_translation.get_config("pix2pix")
    config.train.update({"steps": 2000, "batch_size": 16})
    config.expected = ConfigDict({"metric": "psnr", "value": 20.01, "n": 10000})
    return with_variant(config, variant)
