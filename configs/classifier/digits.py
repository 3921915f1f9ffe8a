"""Classifier of the 8x8 digits of scikit-learn, whose features evaluate generative models of them.

    python -m experiments.train --config=configs/classifier/digits.py --workdir=runs/classifier_digits
    python -m experiments.export --config=configs/classifier/digits.py --workdir=runs/classifier_digits \
        --out=genjax_models/evaluation/weights/digits.safetensors

Expected: 98.9 % of the 296 test images right after 1,500 steps of 128 images.
Alpaydin & Kaynak, Optical Recognition of Handwritten Digits, 1998, https://doi.org/10.24432/C50P49.
"""

from ml_collections import ConfigDict

from experiments import classifier
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The default of `experiments.classifier` with the differences below; `variant` is empty or `smoke`."""
    config = classifier.get_config()
    config.net.update({"widths": (32, 64), "features": 64})
    config.train.update({"steps": 1_500})
    config.expected.accuracy = 0.989
    return with_variant(config, variant)
