"""GANs on digits, as small as they come, for tests of the experiment."""

from functools import partial

import jax
import numpy as np
from ml_collections import ConfigDict

from experiments import gan
from genjax_models.training import train_step
from genjax_models.training.experiment import initial_state

BATCH = 8
PERCEPTRONS = {
    "generator": {"name": "genjax_models.nets.Perceptron", "widths": (16,)},
    "discriminator": {"name": "genjax_models.nets.PerceptronDiscriminator", "widths": (16,)},
}
DCGAN = {
    "generator": {"name": "genjax_models.nets.DCGANGenerator", "channels": (8,)},
    "discriminator": {"name": "genjax_models.nets.DCGANDiscriminator", "channels": (8, 8)},
}
SNGAN = {
    "generator": {"name": "genjax_models.nets.SNGANGenerator", "channels": (8,)},
    "discriminator": {"name": "genjax_models.nets.SNGANDiscriminator", "channels": (8, 8), "halvings": 1},
}
STYLEGAN2 = {
    "generator": {
        "name": "genjax_models.nets.StyleGAN2",
        "channels": 4,
        "max_channels": 8,
        "style_features": 8,
        "mapping_depth": 2,
    },
    "discriminator": {"name": "genjax_models.nets.StyleGAN2Discriminator", "channels": 4, "max_channels": 8},
}
PROGRESSIVE = {
    "generator": {"name": "genjax_models.nets.ProgressiveGenerator", "channels": (8, 8)},
    "discriminator": {"name": "genjax_models.nets.ProgressiveDiscriminator", "channels": (8, 8)},
    "growth": {"stages": 1, "steps": 2},
}


def config_of(settings):
    config = gan.get_config()
    config.latent = 6
    for field, value in {**PERCEPTRONS, **settings}.items():
        if field in ("generator", "discriminator"):
            config[field] = ConfigDict(value)
        elif isinstance(value, dict):
            config[field].update(ConfigDict(value))
        else:
            config[field] = value
    config.train.update({"steps": 4, "batch_size": BATCH, "log_every": 1, "checkpoint_every": 2})
    return config


def start(experiment):
    return jax.jit(partial(initial_state, experiment=experiment, ema=False))(jax.random.key(0))


def step_of(experiment):
    return jax.jit(partial(train_step, players=experiment.players))


def moved(a, b):
    return any((np.asarray(x) != np.asarray(y)).any() for x, y in zip(*map(jax.tree.leaves, (a, b)), strict=True))
