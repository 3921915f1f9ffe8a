"""Image to image: pix2pix and super-resolution on aligned pairs, CycleGAN on two unpaired image sets.

`config.data` is a set of images and `config.view` what else is made of it (`genjax_models.data.domains`). On pairs the
generator leads from the view (`x`) to the images (`y`). Of unpaired sets `x` are images and `y` views of others, and
two generators lead `forward` and `backward`. Either way what is sampled are images of the set: translations of held-out
inputs.
"""

from functools import cache

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from experiments.config.data import check_one_step, requested_condition, spec_of
from experiments.config.networks import Collections
from experiments.gan import game
from experiments.image_translation.games import cycle_game, paired_game
from experiments.image_translation.translators import METHODS, domains, translators
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key
from genjax_models.modalities.image import to_float
from genjax_models.training import Experiment, Inference, SampleRequest, training_config
from genjax_models.training.config import optimizer_config
from genjax_models.training.names import pick

INPUTS = 1_000
"""Held-out inputs that `sample` translates."""

PATCH = {"name": "genjax_models.nets.PatchGAN", "channels": (64, 128)}
UNET = {"name": "genjax_models.nets.UNetGenerator", "channels": (32, 64, 128, 128)}
RESNET = {"name": "genjax_models.nets.CycleGANGenerator", "width": 32, "depth": 4}
RRDB = {"name": "genjax_models.nets.RRDBNet", "width": 32, "growth": 16, "depth": 4}


def get_config(method: str = "pix2pix") -> ConfigDict:
    """The default of a method: outlines to clothes, digits to coloured digits and back, or clothes twice as large."""
    train = training_config()
    train.optimizer.update({"name": "adam", "learning_rate": 2e-4, "b1": 0.5, "clip_norm": 0.0})
    train.sample_every = 500
    discriminator = optimizer_config()
    discriminator.update(train.optimizer)
    config = ConfigDict(
        {
            "experiment": "experiments.image_translation",
            "method": method,  # one of `translators.METHODS`
            "data": {"name": "fashion_mnist"},
            "view": "outlines",  # of `genjax_models.data.domains.VIEWS`
            "generator": UNET,
            "discriminator": {"net": PATCH, "optimizer": discriminator},
            "weights": {"l1": 100.0},
            "train": train,
            "sample": {"sampler": "translation", "steps": 1},
            "eval": {
                "features": "fashion_mnist",
                "num": 1000,
                "batch": 1000,  # a call: it never translates an input twice
                "seed": 0,
                "rows": (("translation", 1),),
                "likelihood": 0,
            },
            "expected": ConfigDict(),
        }
    )
    if method == "cyclegan":
        config.data.name, config.view, config.eval.features = "mnist_10k", "coloured", "mnist"
        config.eval.update({"num": 499, "batch": 499})  # held-out digits on colours
        config.generator = ConfigDict(RESNET)
        config.weights = ConfigDict({"cycle": 10.0, "identity": 0.0})
        config.pool = 50  # past translations of each kind that the discriminators are shown again; 0 for none
    if method == "super_resolution":
        config.view = "half"
        config.generator = ConfigDict(RRDB)
        config.weights = ConfigDict({"gan": 5e-3, "l1": 1e-2})
        config.perceptual = "fashion_mnist"  # a feature net, or empty
        config.pretrain = 500  # steps with the absolute error alone
    return config


def build(config: ConfigDict) -> Experiment:
    """Bind the config's networks to its game.

    Raises:
      UserError: if a name is unknown, a network cannot be built, or an option is of no use here.
    """
    missing = set(get_config(config.method)) - set(config) if config.method in METHODS else set()
    if missing:
        raise UserError(
            f"method {config.method!r} needs the fields {', '.join(sorted(missing))}: start from one of its configs"
        )
    if config.eval.batch < min(config.eval.num, INPUTS):
        raise UserError("calls choose their inputs anew, and would repeat some: set eval.batch to eval.num")
    spec, between = spec_of(config), translators(config)
    parts = (cycle_game if between.backward else paired_game)(config, between)
    held_out = cache(lambda: domains(config, "test"))
    own = "generators" if between.backward else "generator"
    back = between.backward or between.forward

    def sample(key: Key, model: Inference, request: SampleRequest) -> Array:
        """Translations of `num` of the first `INPUTS` held-out inputs, chosen by the key, into images of the set."""
        pick("sampler", request.sampler or config.sample.sampler, {"translation": None})
        check_one_step(request)
        requested_condition(spec, (), request)
        dataset, num = held_out(), request.num
        inputs = dataset.fields["y" if between.backward else "x"][:INPUTS]
        if num > len(inputs):
            raise UserError(f"{num} translations of {len(inputs)} held-out inputs were asked for: ask for fewer")
        rows = jax.random.permutation(key, len(inputs))[:num]
        collections = Collections(model.extra["collections"])
        return jnp.clip(back(collections, model.params[own], to_float(jnp.asarray(inputs)[rows])), -1.0, 1.0)

    return Experiment(
        spec=spec,
        init=parts.init,
        players=parts.players,
        sample=sample,
        validate=parts.validate,
        training_set=lambda folder: domains(config, "train"),
        test_set=held_out,
        watch=game.watch,
    )
