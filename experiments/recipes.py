"""The work on which methods are compared: one network, batch and optimiser for each data set.

A config takes one of these and adds what its paper adds.
"""

from ml_collections import ConfigDict

UNET = {
    "name": "genjax_models.nets.UNet",
    "patch_size": 2,
    "channels": 32,
    "multipliers": (1, 2),
    "num_blocks": 2,
    "head_dim": 32,
    "groups": 8,
}
"""A million parameters; two by two pixels are folded into channels, so that 28x28 images cost what 14x14 ones do."""


def digits(config: ConfigDict) -> ConfigDict:
    """8x8 digits: a residual MLP, 3,000 steps of 128, a minute on two x86-64 cores."""
    config.net = ConfigDict({"name": "genjax_models.nets.MLP", "width": 256, "depth": 4})
    _optimize(config, steps=3000, batch_size=128, learning_rate=1e-3, warmup_steps=100)
    config.eval.num = 750  # half of the training split: the other half is the floor
    return config


def fashion_mnist(config: ConfigDict) -> ConfigDict:
    """Fashion-MNIST: the UNet, 3,200 steps of 64, of which two x86-64 cores take a step of a plain loss in 0.28 s."""
    config.data.update({"name": "fashion_mnist", "shape": (28, 28, 1)})
    config.net = ConfigDict(UNET)
    config.eval.features = "fashion_mnist"
    return _optimize(config, steps=3200, batch_size=64, learning_rate=2e-3, warmup_steps=200)


def mnist_5k(config: ConfigDict) -> ConfigDict:
    """5,000 images of MNIST: the UNet, 1,200 steps of 64."""
    config.data.update({"name": "mnist_5k", "shape": (28, 28, 1)})
    config.net = ConfigDict(UNET)
    config.eval.update({"features": "mnist", "num": 500})
    return _optimize(config, steps=1200, batch_size=64, learning_rate=2e-3, warmup_steps=200)


def _optimize(
    config: ConfigDict, *, steps: int, batch_size: int, learning_rate: float, warmup_steps: int
) -> ConfigDict:
    config.train.update({"steps": steps, "batch_size": batch_size})
    config.train.optimizer.update({"learning_rate": learning_rate, "b2": 0.99})
    config.train.optimizer.schedule.update({"name": "cosine", "warmup_steps": warmup_steps})
    return config
