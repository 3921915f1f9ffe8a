"""The games of image translation: pix2pix and super-resolution on pairs, CycleGAN on unpaired image sets."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from experiments.config.networks import Collections, across_devices, build_network, initialize
from experiments.gan.game import spread
from experiments.image_translation.translators import Translators
from genjax_models.core.arrays import mean_over_data
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key, LossOutput, PyTree
from genjax_models.evaluation.features import load_feature_net
from genjax_models.families.gan import (
    Cycle,
    cycle_gan_discriminator,
    cycle_gan_generators,
    empty_pool,
    esrgan_discriminator,
    esrgan_generator,
    exchange,
    pix2pix_discriminator,
    pix2pix_generator,
)
from genjax_models.families.gan.translation import absolute_error
from genjax_models.modalities.image import dequantize, to_float
from genjax_models.modalities.modality import clip
from genjax_models.training import Inference, Player, make_optimizer

Batch = Mapping[str, Array]


class Parts(NamedTuple):
    """What a game adds to an experiment, see `Experiment`."""

    init: Callable[[Key], tuple[dict[str, PyTree], PyTree]]
    players: tuple[Player, ...]
    validate: Callable[..., dict[str, Array]]


def training_images(config: ConfigDict, key: Key, batch: Batch) -> tuple[Array, Array]:
    """Both domains of a batch as floats; `config.train.flip` mirrors an example in both."""
    key_flip, key_x, key_y = jax.random.split(key, 3)
    x, y = batch["x"], batch["y"]
    if config.train.flip:
        flip = jax.random.bernoulli(key_flip, shape=x.shape[:1])[:, None, None, None]
        x, y = (jnp.where(flip, image[:, :, ::-1], image) for image in (x, y))
    if config.train.dequantize:
        return dequantize(key_x, x), dequantize(key_y, y)
    return to_float(x), to_float(y)


def players(
    config: ConfigDict, discriminators: tuple[str, Callable], generators: tuple[str, Callable]
) -> tuple[Player, ...]:
    """Discriminators first, each side with its optimiser."""
    sections = config.discriminator.optimizer, config.train.optimizer
    return tuple(
        Player(name, objective, make_optimizer(section, config.train.steps))
        for (name, objective), section in zip((discriminators, generators), sections, strict=True)
    )


def perceptual_features(config: ConfigDict, shape: tuple[int, ...]) -> Callable[[Array], Array] | None:
    """The penultimate layer of `config.perceptual` as a function of images in [-1, 1], or `None`.

    Raises:
      UserError: if there is no such net, or it takes images of another shape.
    """
    if not config.get("perceptual"):
        return None
    net = load_feature_net(config.perceptual)
    taken = zip(net.image_shape, shape, strict=True)
    if any(size not in (None, found) for size, found in taken):
        raise UserError(
            f"config.perceptual={config.perceptual} takes images of {net.image_shape}, not {shape}: "
            "choose another, or ''"
        )
    return lambda images: jnp.asarray(net.apply(net.params, (images + 1.0) * 128.0 - 0.5).features)


def paired_game(config: ConfigDict, between: Translators) -> Parts:
    """pix2pix, whose discriminator sees both images of a pair, and super-resolution, where it sees the large one."""
    large = config.method == "super_resolution"
    net = build_network("discriminator.net", config.discriminator.net, train=config.train)
    training_net = across_devices(net, config.train)
    features = perceptual_features(config, between.y_shape)
    shown = lambda x, y: y if large else jnp.concatenate([x, y], axis=-1)

    def init(key: Key) -> tuple[dict[str, PyTree], PyTree]:
        key_generator, key_discriminator = jax.random.split(key)
        x, y = (jnp.zeros((1, *shape)) for shape in (between.x_shape, between.y_shape))
        discriminator = initialize(net, key_discriminator, shown(x, y))
        generator, collections = between.init(key_generator)
        collections = collections | {"discriminator": discriminator.collections}
        return {"discriminator": discriminator.params, "generator": generator}, {"collections": collections}

    def game(
        key: Key, params: Mapping[str, PyTree], collections: Collections, batch: Batch
    ) -> tuple[Array, Array, Array, Array]:
        """The real and the generated image, and the logits of both."""
        key_x, key_drop = jax.random.split(key)
        x, y = training_images(config, key_x, batch)
        fake = between.forward(collections, params["generator"], x, key_drop)
        discriminate = partial(collections.apply, "discriminator", training_net, params["discriminator"])
        real_logits, fake_logits = (discriminate(shown(x, image)).logits for image in (y, fake))
        return y, fake, real_logits, fake_logits

    def discriminator(
        key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Batch, step: Array
    ) -> tuple[LossOutput, PyTree]:
        collections = Collections(extra["collections"], train=True)
        _, _, *logits = game(key, params, collections, batch)
        after = {"collections": collections.latest}
        if not large:
            return pix2pix_discriminator(*logits), after
        output = esrgan_discriminator(*logits)  # it waits while the generator learns without it
        return LossOutput(jnp.where(step < config.pretrain, 0.0, output.value), output.aux), after

    def generator(
        key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Batch, step: Array
    ) -> tuple[LossOutput, PyTree]:
        collections = Collections(extra["collections"], train=True)
        y, fake, real_logits, fake_logits = game(key, params, collections, batch)
        after = {"collections": collections.latest}
        if not large:
            output = pix2pix_generator(fake_logits, fake, y, l1_weight=config.weights.l1)
            return LossOutput(output.value, {**output.aux, "spread": spread(fake, y)}), after
        seen = (features(fake), features(y)) if features else ()
        output = esrgan_generator(
            real_logits, fake_logits, fake, y, *seen, gan_weight=config.weights.gan, l1_weight=config.weights.l1
        )
        value = jnp.where(step < config.pretrain, output.aux["l1"], output.value)
        return LossOutput(value, {**output.aux, "spread": spread(fake, y)}), after

    def validate(key: Key, model: Inference, batch: Batch) -> dict[str, Array]:
        x, y = to_float(batch["x"]), to_float(batch["y"])
        collections = Collections(model.extra["collections"])
        fake = clip(between.forward(collections, model.params["generator"], x))
        scores = {"l1": absolute_error(fake, y), "psnr": peak_signal_to_noise(fake, y)}
        if large:
            cubic = jnp.clip(jax.image.resize(x, y.shape, "cubic"), -1.0, 1.0)
            scores |= {"cubic_l1": absolute_error(cubic, y), "cubic_psnr": peak_signal_to_noise(cubic, y)}
        return scores

    return Parts(init, players(config, ("discriminator", discriminator), ("generator", generator)), validate)


def peak_signal_to_noise(x: Array, y: Array) -> Array:
    """In decibels between images in [-1, 1], `[B]`: $-10 \\log_{10}$ of the mean of $(x - y)^2 / 4$."""
    return -10.0 * jnp.log10(jnp.maximum(mean_over_data((x - y) ** 2) / 4.0, 1e-10))


def cycle_game(config: ConfigDict, between: Translators) -> Parts:
    """CycleGAN: a discriminator in each domain, and pools of past translations in `extra`.

    Raises:
      UserError: if pools are set where shards would average them, or the identity loss where channels differ.
    """
    if config.pool and config.train.parallel.mode != "jit":
        raise UserError("image pools belong to one program: set config.pool=0, or config.train.parallel.mode='jit'")
    if config.weights.identity and between.x_shape != between.y_shape:
        raise UserError(
            f"the identity loss needs domains of one shape, got {between.x_shape} and {between.y_shape}: "
            "set config.weights.identity=0"
        )
    forward, backward = between.forward, cast(Callable[..., Array], between.backward)
    shapes = {"x": between.x_shape, "y": between.y_shape}
    net = build_network("discriminator.net", config.discriminator.net, train=config.train)
    training_net = across_devices(net, config.train)

    def init(key: Key) -> tuple[dict[str, PyTree], PyTree]:
        key_generators, *keys = jax.random.split(key, 3)
        start = {
            name: initialize(net, key, jnp.zeros((1, *shape)))
            for key, (name, shape) in zip(keys, shapes.items(), strict=True)
        }
        generators, collections = between.init(key_generators)
        collections = collections | {name: own.collections for name, own in start.items()}
        pools = {name: empty_pool(shape, config.pool) for name, shape in shapes.items()} if config.pool else {}
        params = {"discriminators": {name: own.params for name, own in start.items()}, "generators": generators}
        return params, {"pools": pools, "collections": collections}

    def logits_of(collections: Collections, params: PyTree, name: str, images: Array) -> Array:
        return collections.apply(name, training_net, params["discriminators"][name], images).logits

    def discriminators(
        key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Batch, step: Array
    ) -> tuple[LossOutput, PyTree]:
        key_x, key_there, key_back, *keys = jax.random.split(key, 5)
        x, y = training_images(config, key_x, batch)
        own, pools, collections = (
            params["generators"],
            dict(extra["pools"]),
            Collections(extra["collections"], train=True),
        )
        fakes = {"x": backward(collections, own, y, key_back), "y": forward(collections, own, x, key_there)}
        losses: dict[str, Array] = {}
        for (name, real), key_pool in zip((("x", x), ("y", y)), keys, strict=True):
            if pools:
                fakes[name], pools[name] = exchange(key_pool, pools[name], fakes[name])
            logits = (logits_of(collections, params, name, images) for images in (real, fakes[name]))
            losses[name] = cycle_gan_discriminator(*logits).value
        return LossOutput(losses["x"] + losses["y"], losses), {"pools": pools, "collections": collections.latest}

    def generators(
        key: Key, params: Mapping[str, PyTree], extra: PyTree, batch: Batch, step: Array
    ) -> tuple[LossOutput, PyTree]:
        key_x, *keys = jax.random.split(key, 7)
        x, y = training_images(config, key_x, batch)
        own, weights, collections = params["generators"], config.weights, Collections(extra["collections"], train=True)
        there, back = partial(forward, collections, own), partial(backward, collections, own)
        fake_y, fake_x = there(x, keys[0]), back(y, keys[1])
        same_x, same_y = (back(x, keys[2]), there(y, keys[3])) if weights.identity else (None, None)
        output = cycle_gan_generators(
            Cycle(x, logits_of(collections, params, "y", fake_y), back(fake_y, keys[4]), same_x),
            Cycle(y, logits_of(collections, params, "x", fake_x), there(fake_x, keys[5]), same_y),
            cycle_weight=weights.cycle,
            identity_weight=weights.identity,
        )
        alike = jnp.minimum(spread(fake_x, x), spread(fake_y, y))
        return LossOutput(output.value, {**output.aux, "spread": alike}), extra | {"collections": collections.latest}

    def validate(key: Key, model: Inference, batch: Batch) -> dict[str, Array]:
        x, y, collections = to_float(batch["x"]), to_float(batch["y"]), Collections(model.extra["collections"])
        own = model.params["generators"]
        there, back = partial(forward, collections, own), partial(backward, collections, own)
        return {"cycle_x": absolute_error(back(there(x)), x), "cycle_y": absolute_error(there(back(y)), y)}

    return Parts(init, players(config, ("discriminators", discriminators), ("generators", generators)), validate)
