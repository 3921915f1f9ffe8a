"""Classifier of 5,000 images of MNIST, whose features evaluate generative models of them.

    python -m experiments.train --config=configs/classifier/mnist_5k.py --workdir=runs/classifier_mnist_5k
    python -m experiments.export --config=configs/classifier/mnist_5k.py --workdir=runs/classifier_mnist_5k \
        --out=genjax_models/evaluation/weights/mnist.safetensors

Expected: 98.5 % of the 1,000 held-out images right after 1,500 steps of 128 images.
LeCun et al., Gradient-based learning applied to document recognition, 1998, https://doi.org/10.1109/5.726791.
"""

from ml_collections import ConfigDict

from experiments import classifier
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The default of `experiments.classifier` with the differences below; `variant` is empty or `smoke`."""
    config = classifier.get_config()
    config.data.name = "mnist_5k"
    config.shift = 2
    config.train.update({"steps": 1_500})
    config.expected.accuracy = 0.985
    return with_variant(config, variant)
