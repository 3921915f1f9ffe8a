"""Image to image: pix2pix and super-resolution on aligned pairs, CycleGAN on two unpaired image sets.

`config.data` is a set of images and `config.view` what else is made of it (`genjax_models.data.domains`). On pairs the
generator maps the view (`x`) to the images (`y`). Of unpaired sets `x` are images and `y` views of others, and two
generators map `forward` and `backward`. In both cases samples are images of the set: translations of held-out inputs.
"""

from functools import cache

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from experiments.config import sections
from experiments.config.data import check_one_step, data_of
from experiments.config.networks import Collections
from experiments.gan import game
from experiments.image_translation.games import cycle_game, paired_game
from experiments.image_translation.translators import METHODS, domains, translators
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key
from genjax_models.modalities.image import to_float
from genjax_models.modalities.modality import clip
from genjax_models.training import Experiment, Inference, SampleRequest
from genjax_models.training.config import OPTIMIZER, TRAINING
from genjax_models.training.names import pick
from genjax_models.training.settings import Open, Section, Setting, at_least, defaults, one_of

INPUTS = 1_000
"""Held-out inputs that `sample` translates."""

PATCH = {"name": "genjax_models.nets.PatchGAN", "channels": (64, 128)}
UNET = {"name": "genjax_models.nets.UNetGenerator", "channels": (32, 64, 128, 128)}
RESNET = {"name": "genjax_models.nets.CycleGANGenerator", "width": 32, "depth": 4}
RRDB = {"name": "genjax_models.nets.RRDBNet", "width": 32, "growth": 16, "depth": 4}


TASKS: tuple[str, ...] = ("sample",)
"""What it can do, see `experiments.run.tasks`."""

FIELDS: Section = {
    **sections.experiment("experiments.image_translation"),
    "method": Setting("pix2pix", "of translation", one_of(*METHODS)),
    "data": Open({"name": "fashion_mnist"}, "the data set by its name, and its options"),
    "view": Setting("outlines", "of the data, see `genjax_models.data.domains.VIEWS`"),
    "generator": Open(UNET, "the network by its import path, and its fields; of both directions"),
    "discriminator": {"net": Open(PATCH, "the network by its import path, and its fields"), "optimizer": OPTIMIZER},
    "weights": Open({"l1": 100.0}, "of the terms: l1 and gan of pairs, cycle and identity of CycleGAN"),
    "pool": Setting(0, "past translations that CycleGAN's discriminators are shown again", at_least(0)),
    "perceptual": Setting("", "a feature network of super-resolution's perceptual term, or empty"),
    "pretrain": Setting(0, "steps of super-resolution with the absolute error alone", at_least(0), smoke=5),
    "train": TRAINING,
    "sample": sections.sampling("translation"),
    "eval": sections.evaluation(("translation", 1), features="fashion_mnist", batch=1000),
    **sections.EXPECTED,
}


def get_config(method: str = "pix2pix") -> ConfigDict:
    """The default of a method: outlines to clothes, digits to coloured digits and back, or clothes twice as large."""
    config = defaults(FIELDS)
    config.method = method
    game.set_dcgan_rates(config.train.optimizer, config.discriminator.optimizer)
    config.train.sample_every = 500
    if method == "cyclegan":
        config.data.name, config.view, config.eval.features = "mnist_10k", "coloured", "mnist"
        config.eval.update({"num": 499, "batch": 499})  # held-out digits on colours; no input is translated twice
        config.generator = ConfigDict(RESNET)
        config.weights = ConfigDict({"cycle": 10.0, "identity": 0.0})
        config.pool = 50
    if method == "super_resolution":
        config.view = "half"
        config.generator = ConfigDict(RRDB)
        config.weights = ConfigDict({"gan": 5e-3, "l1": 1e-2})
        config.perceptual = "fashion_mnist"
        config.pretrain = 500
    return config


def build(config: ConfigDict) -> Experiment:
    """Bind the config's networks to its game.

    Raises:
      UserError: if a name is unknown, a network cannot be built, or an option is of no use here.
    """
    if missing := set(get_config(config.method).weights) - set(config.weights):
        raise UserError(f"method {config.method!r} needs weights of {', '.join(sorted(missing))}: set config.weights")
    if config.eval.batch < min(config.eval.num, INPUTS):
        raise UserError("calls choose their inputs anew, and would repeat some: set eval.batch to eval.num")
    data = data_of(config)
    between = translators(config, data.spec)
    parts = (cycle_game if between.backward else paired_game)(config, between)
    held_out = cache(lambda: domains(config, "test"))
    own = "generators" if between.backward else "generator"
    back = between.backward or between.forward

    def sample(key: Key, model: Inference, request: SampleRequest) -> Array:
        """Translations of `num` of the first `INPUTS` held-out inputs, chosen by the key, into images of the set."""
        pick("sampler", request.sampler or config.sample.sampler, {"translation": None})
        check_one_step(request)
        data.requested(request)
        dataset, num = held_out(), request.num
        inputs = dataset.fields["y" if between.backward else "x"][:INPUTS]
        if num > len(inputs):
            raise UserError(f"{num} translations of {len(inputs)} held-out inputs were requested: request fewer")
        rows = jax.random.permutation(key, len(inputs))[:num]
        collections = Collections(model.extra["collections"])
        return clip(back(collections, model.params[own], to_float(jnp.asarray(inputs)[rows])))

    return Experiment(
        spec=data.spec,
        init=parts.init,
        players=parts.players,
        sample=sample,
        validate=parts.validate,
        training_set=lambda folder: domains(config, "train"),
        test_set=held_out,
        watch=game.watch,
    )
