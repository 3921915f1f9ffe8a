r"""CycleGAN on MNIST: digits to other digits' black strokes on a coloured ground, and back.

Paper: Zhu et al., Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks, 2017,
    https://arxiv.org/abs/1703.10593
Command: python -m experiments.train --workdir=runs/cyclegan_mnist_10k \
    --config=configs/gan/zhu2017_mnist_10k.py
Translations: python -m experiments.translate, with the same flags.
Expected: not measured yet.
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import image_translation
from experiments.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = image_translation.get_config("cyclegan")
    config.train.update({"steps": 2000, "batch_size": 4})
    return with_variant(config, variant)
