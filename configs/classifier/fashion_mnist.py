"""Classifier of Fashion-MNIST, whose features evaluate generative models of it.

    python -m experiments.train --config=configs/classifier/fashion_mnist.py --workdir=runs/classifier_fashion_mnist
    python -m experiments.export --config=configs/classifier/fashion_mnist.py --workdir=runs/classifier_fashion_mnist \
        --out=genjax_models/evaluation/weights/fashion_mnist.safetensors

Expected: 91.1 % of the 10,000 test images right after 3,600 steps of 128 images.
Xiao et al., Fashion-MNIST, 2017, https://arxiv.org/abs/1708.07747.
"""

from ml_collections import ConfigDict

from experiments import classifier
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The default of `experiments.classifier` with the differences below; `variant` is empty or `smoke`."""
    config = classifier.get_config()
    config.data.name = "fashion_mnist"
    config.train.update({"flip": True, "steps": 3_600})
    config.expected.accuracy = 0.911
    return with_variant(config, variant)
