r"""pix2pix on emoji of 32x32 pixels: their colours from their brightness.

Paper: Isola et al., Image-to-Image Translation with Conditional Adversarial Networks, 2017,
    https://arxiv.org/abs/1611.07004
Command: python -m experiments.train --workdir=runs/pix2pix_emoji \
    --config=configs/gan/isola2017_emoji.py
Translations: python -m experiments.translate, with the same flags.
Expected: absolute error 0.130 (of grey left as it is 0.133: many colours go with one grey), peak signal-to-noise ratio
    19.48 dB (n 312); 463 seconds on a shared x86-64 core.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import image_translation
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = image_translation.get_config("pix2pix")
    config.data.name = "emoji_32"
    config.view = "grey"
    config.eval.features = ""  # there is no classifier of emoji
    config.train.update({"steps": 3000, "batch_size": 16, "flip": True})
    config.expected = ConfigDict({"metric": "psnr", "value": 19.48, "n": 312})
    return with_variant(config, variant)
