r"""ESRGAN on emoji: 64x64 pixels from 16x16.

Paper: Wang et al., ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks, 2018,
    https://arxiv.org/abs/1809.00219
Command: python -m experiments.train --workdir=runs/esrgan_emoji \
    --config=configs/gan/wang2018_emoji.py
Translations: python -m experiments.translate, with the same flags.
Expected: peak signal-to-noise ratio 24.08 dB, bicubic interpolation 20.79; absolute error 0.068, bicubic 0.104 (n 312);
    706 seconds on a shared x86-64 core.
Otherwise here: there is no perceptual loss beside the game, so the absolute error keeps the weight 1 that it has while
    the generator learns alone, for 1,500 steps; with the paper's 0.01, after 500 steps at 2e-4, it ended at 19.0 dB.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import image_translation
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = image_translation.get_config("super_resolution")
    config.data.name = "emoji"
    config.view = "quarter"
    config.perceptual = ""  # `efficientnet_lite0` where its package is installed: the layer is of photographs
    config.eval.features = ""  # there is no classifier of emoji
    config.generator.depth = 2
    config.discriminator.net.channels = (32, 64)
    config.weights.l1 = 1.0
    config.pretrain = 1500
    config.train.update({"steps": 2500, "batch_size": 8, "flip": True})
    config.train.optimizer.learning_rate = 5e-4
    config.expected = ConfigDict({"metric": "psnr", "value": 24.08, "n": 312})
    return with_variant(config, variant)
