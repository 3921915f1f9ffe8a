"""Classifier of emoji of 32x32 pixels by category, whose features evaluate generative models of them.

    python -m genjax_models.data fetch emoji_32
    python -m experiments.train --config=configs/classifier/emoji_32.py --workdir=runs/classifier_emoji_32
    python -m experiments.export --config=configs/classifier/emoji_32.py --workdir=runs/classifier_emoji_32 \
        --out=genjax_models/evaluation/weights/emoji_32.safetensors

Expected: 77.2 % of the 312 test images right after 1,500 steps of 64 images (always `People & Body`: 52.9 %); the mean
over the nine categories that the test split has is 62.7 %. Test drawings were never seen in any form, see docs/data.md.
The pictures are Noto Emoji, Apache License 2.0 (README of the npm package emoji-datasource-google, whose own files are
under the MIT License).
"""

from ml_collections import ConfigDict

from experiments import classifier
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The default of `experiments.classifier` with the differences below; `variant` is empty or `smoke`."""
    config = classifier.get_config()
    config.data.name = "emoji_32"
    config.net.update({"widths": (32, 64, 96, 96)})
    config.update({"shift": 2, "fill": 255})  # on white
    config.train.update({"flip": True, "steps": 1_500, "batch_size": 64})
    config.expected.accuracy = 0.772
    return with_variant(config, variant)
