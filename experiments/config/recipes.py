"""The work on which methods are compared: one network, batch and optimiser for each data set.

A config takes one of these and adds what its paper adds.
"""

from typing import Any

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

UNET_EMOJI = UNET | {"multipliers": (1, 2, 2), "num_blocks": 1}
"""1.2 million parameters, at 16x16, 8x8 and 4x4."""

MLP = {"name": "genjax_models.nets.MLP", "width": 256, "depth": 4}
PERCEPTRON = {"name": "genjax_models.nets.Perceptron", "widths": (200, 200), "activation": "tanh"}
PERCEPTRONS = {"encoder": PERCEPTRON, "decoder": PERCEPTRON}
"""Both networks of an autoencoder as Burda et al. have them: two layers of 200."""
CONVOLUTIONS = {
    "encoder": {"name": "genjax_models.nets.ConvEncoder", "channels": (32, 64)},
    "decoder": {"name": "genjax_models.nets.ConvDecoder", "channels": (64, 32)},
}
"""Both networks of an autoencoder: two stages of strided convolutions."""
RESNET = {"name": "genjax_models.nets.ResNetConditioner", "width": 32, "depth": 2}
"""Inside the couplings of a flow over images."""
SMALL = {"name": "genjax_models.nets.MLP", "width": 64, "depth": 2}
"""Inside the layers of a flow over vectors."""
LADDER = {"name": "genjax_models.nets.Ladder", "latents": (16, 8, 4), "widths": (200, 100, 50)}
VERY_DEEP = {
    "name": "genjax_models.nets.VeryDeepVAE",
    "patch_size": 2,
    "width": 64,
    "middle": 16,
    "latent": 8,
    "factors": (2, 7),
    "blocks": (2, 2, 2),
    "depths": (3, 4, 2),
}
"""Groups at 14x14, 7x7 and 1x1."""
GAN_PERCEPTRONS = {
    "generator": {"name": "genjax_models.nets.Perceptron", "widths": (256, 256), "activation": "relu", "bounded": True},
    "discriminator": {"name": "genjax_models.nets.PerceptronDiscriminator", "widths": (256, 256)},
}
DCGAN_DIGITS = {
    "generator": {"name": "genjax_models.nets.DCGANGenerator", "channels": (128, 64)},
    "discriminator": {"name": "genjax_models.nets.DCGANDiscriminator", "channels": (64, 128)},
}
DCGAN = {
    "generator": {"name": "genjax_models.nets.DCGANGenerator", "channels": (64, 32)},
    "discriminator": {"name": "genjax_models.nets.DCGANDiscriminator", "channels": (32, 64)},
}
DCGAN_CRITIC_DIGITS, DCGAN_CRITIC = (
    pair | {"discriminator": pair["discriminator"] | {"batch_norm": False}} for pair in (DCGAN_DIGITS, DCGAN)
)
"""For penalties of each example's gradient."""
SNGAN = {
    "generator": {"name": "genjax_models.nets.SNGANGenerator", "channels": (32, 16)},
    "discriminator": {"name": "genjax_models.nets.SNGANDiscriminator", "channels": (16, 32, 32), "halvings": 2},
}
SNGAN_DIGITS = {
    "generator": {"name": "genjax_models.nets.SNGANGenerator", "channels": (64, 32)},
    "discriminator": {"name": "genjax_models.nets.SNGANDiscriminator", "channels": (32, 64), "halvings": 2},
}
R3GAN = {
    "generator": {"name": "genjax_models.nets.R3GANGenerator", "channels": (64, 32, 16)},
    "discriminator": {"name": "genjax_models.nets.R3GANDiscriminator", "channels": (16, 32, 64)},
}
R3GAN_DIGITS = {
    "generator": {"name": "genjax_models.nets.R3GANGenerator", "channels": (64, 32)},
    "discriminator": {"name": "genjax_models.nets.R3GANDiscriminator", "channels": (32, 64)},
}
BIGGAN_DIGITS = {
    "generator": {"name": "genjax_models.nets.BigGANGenerator", "channels": (64, 32)},
    "discriminator": {"name": "genjax_models.nets.BigGANDiscriminator", "channels": (32, 64)},
}
PROGRESSIVE_DIGITS = {
    "generator": {"name": "genjax_models.nets.ProgressiveGenerator", "channels": (64, 64, 32)},
    "discriminator": {"name": "genjax_models.nets.ProgressiveDiscriminator", "channels": (32, 64, 64)},
}
STYLEGAN1_DIGITS = {
    "generator": {
        "name": "genjax_models.nets.StyleGAN1",
        "channels": 32,
        "max_channels": 64,
        "style_features": 64,
        "mapping_depth": 4,
    },
    "discriminator": {"name": "genjax_models.nets.StyleGAN2Discriminator", "channels": 32, "max_channels": 64},
}
STYLEGAN2_DIGITS = STYLEGAN1_DIGITS | {
    "generator": STYLEGAN1_DIGITS["generator"] | {"name": "genjax_models.nets.StyleGAN2"}
}
STYLEGAN2 = {
    "generator": {
        "name": "genjax_models.nets.StyleGAN2",
        "base_resolution": 7,
        "channels": 16,
        "max_channels": 64,
        "style_features": 128,
        "mapping_depth": 4,
    },
    "discriminator": {
        "name": "genjax_models.nets.StyleGAN2Discriminator",
        "base_resolution": 7,
        "channels": 16,
        "max_channels": 64,
    },
}
STYLEGAN2_EMOJI = {player: network | {"base_resolution": 4} for player, network in STYLEGAN2.items()}
STYLEGAN3 = STYLEGAN2 | {
    "generator": {
        "name": "genjax_models.nets.StyleGAN3",
        "channels": 16,
        "max_channels": 32,
        "style_features": 128,
        "layers": 6,
        "margin": 4,
    },
}


STEPS = (1, 2, 4, 10, 20, 50)
"""Numbers of steps at which samplers are compared."""


def digits(config: ConfigDict, **networks: dict) -> ConfigDict:
    """8x8 digits: 3,000 steps of 128, with the residual MLP a minute on two x86-64 cores.

    Sections of `networks` replace `net`, which is the MLP, for families that have others.
    """
    _networks(config, networks or {"net": MLP})
    _optimize(config, steps=3000, batch_size=128, learning_rate=1e-3, warmup_steps=100)
    config.eval.num = 750  # half of the training split: the other half is the floor
    return config


def gan_digits(config: ConfigDict, **networks: dict) -> ConfigDict:
    """8x8 digits for two players: 3,000 steps of 64 with rates that stay, as the papers have them."""
    _networks(config, networks)
    config.train.update({"steps": 3000, "batch_size": 64})
    config.eval.num = 750
    return config


def gan_fashion_mnist(config: ConfigDict, **networks: dict) -> ConfigDict:
    """Fashion-MNIST for two players: 5,000 steps of 64, of 0.07 to 0.6 s on one x86-64 core."""
    config.data.name = "fashion_mnist"
    _networks(config, networks)
    config.train.update({"steps": 5000, "batch_size": 64})
    config.latent = 128
    config.eval.features = "fashion_mnist"
    return config


def fashion_mnist(config: ConfigDict, **networks: dict) -> ConfigDict:
    """Fashion-MNIST: the UNet, of which two x86-64 cores take a step in 0.28 s, or `networks`; 3,200 steps of 64."""
    config.data.name = "fashion_mnist"
    _networks(config, networks or {"net": UNET})
    config.eval.features = "fashion_mnist"
    return _optimize(config, steps=3200, batch_size=64, learning_rate=2e-3, warmup_steps=200)


def mnist_5k(config: ConfigDict, **networks: dict) -> ConfigDict:
    """5,000 images of MNIST: the UNet, or `networks`, 1,200 steps of 64."""
    config.data.name = "mnist_5k"
    _networks(config, networks or {"net": UNET})
    config.eval.update({"features": "mnist", "num": 500})
    return _optimize(config, steps=1200, batch_size=64, learning_rate=2e-3, warmup_steps=200)


def mnist_10k(config: ConfigDict, **networks: dict) -> ConfigDict:
    """As `mnist_5k`, the first 10,000 images of MNIST: 5,000 steps of 128."""
    config = mnist_5k(config, **networks)
    config.data.name = "mnist_10k"
    config.train.update({"steps": 5000, "batch_size": 128})
    return config


def emoji_32(config: ConfigDict, **networks: dict) -> ConfigDict:
    """Emoji of 32x32 pixels with the vectors of their captions: the UNet, or `networks`; 1,600 steps of 32.

    The learning rate stays and the average replaces its decay, so that a run can go on with more steps.
    """
    config.data = ConfigDict({"name": "emoji_32", "text": True})
    _networks(config, networks or {"net": UNET_EMOJI})
    config.eval.update({"features": "emoji_32", "num": 312})  # as many as there are held-out pictures
    _optimize(config, steps=1600, batch_size=32, learning_rate=1e-3, warmup_steps=100)
    config.train.optimizer.schedule.name = "constant"
    return config


def vectors(config: ConfigDict, name: str, net: dict = SMALL) -> ConfigDict:
    """A toy density or a table: 2,000 steps of 256 points or rows."""
    config.data.name = name
    _networks(config, {"net": net})
    return _optimize(config, steps=2000, batch_size=256, learning_rate=2e-3, warmup_steps=100)


def _networks(config: ConfigDict, networks: dict[str, dict]) -> None:
    for field, section in networks.items():
        config[field] = ConfigDict(section)


def nanogpt(config: ConfigDict) -> ConfigDict:
    """nanoGPT's recipe for a CPU: 0.8 million parameters, 2,000 steps of 12 windows."""
    config.net.update({"width": 128, "depth": 4, "heads": 4})
    config.train.update({"steps": 2000, "batch_size": 12})
    config.train.optimizer.update({"learning_rate": 1e-3, "b2": 0.99, "weight_decay": 0.1, "clip_norm": 1.0})
    config.train.optimizer.schedule.update({"name": "cosine", "warmup_steps": 100, "final": 0.1})
    return config


def edm2(config: ConfigDict, **net: Any) -> ConfigDict:
    """EDM made EDM2: network, noise levels, learned uncertainty, an inverse root of a rate, an average chosen later."""
    small = {"channels": 16, "num_blocks": 1, "attention_levels": (1,), "head_dim": 16}
    config.net = ConfigDict({"name": "genjax_models.nets.EDM2UNet"} | small | net)
    config.uncertainty = True
    config.time.options.update({"mean": -0.4, "std": 1.0})
    config.train.optimizer.update({"name": "adam", "learning_rate": 1e-2, "clip_norm": 0.0})
    config.train.optimizer.schedule.name = "inverse_sqrt"
    config.train.ema.update({"kind": "posthoc", "sigma_rel": 0.05})
    return config


def _optimize(
    config: ConfigDict, *, steps: int, batch_size: int, learning_rate: float, warmup_steps: int
) -> ConfigDict:
    config.train.update({"steps": steps, "batch_size": batch_size})
    config.train.optimizer.update({"learning_rate": learning_rate, "b2": 0.99})
    config.train.optimizer.schedule.update({"name": "cosine", "warmup_steps": warmup_steps})
    return config
