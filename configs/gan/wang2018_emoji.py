r"""ESRGAN on emoji: 64x64 pixels from 16x16.

Paper: Wang et al., ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks, 2018,
    https://arxiv.org/abs/1809.00219
Command: python -m experiments.train --workdir=runs/esrgan_emoji \
    --config=configs/gan/wang2018_emoji.py
Translations: python -m experiments.translate, with the same flags.
Expected: not measured yet.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import image_translation
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = image_translation.get_config("super_resolution")
    config.data.update({"name": "emoji", "shape": (64, 64, 3)})
    config.view = "quarter"
    config.perceptual = ""  # `efficientnet_lite0` where its package is installed: the layer is of photographs
    config.eval.features = ""  # there is no classifier of emoji
    config.generator.depth = 2
    config.discriminator.net.channels = (32, 64)
    config.train.update({"steps": 2000, "batch_size": 8, "flip": True})
    return with_variant(config, variant)
