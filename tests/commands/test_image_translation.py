"""Image translation on digits: the games' values where networks say nothing, pools, pictures, classifiers, refusals."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import image_translation, translate
from experiments.image_translation import translators
from experiments.run.command import build_experiment
from experiments.run.held_out import test_scores as scores_of_test_split
from genjax_models.core.errors import UserError
from genjax_models.data import batches, load
from genjax_models.data.views import shrink
from genjax_models.evaluation.features import load_feature_net
from genjax_models.modalities.image import to_float
from genjax_models.training import Inference, SampleRequest, train_step
from genjax_models.training.experiment import initial_state

KEY = jax.random.key(0)
B = 8


class Tiny(nn.Module):
    """A generator of one convolution."""

    out_channels: int
    doublings: int = 0

    @nn.compact
    def __call__(self, x, t=None, cond=None, *, train=False):
        shape = (x.shape[0], x.shape[1] << self.doublings, x.shape[2] << self.doublings, x.shape[3])
        return jnp.tanh(nn.Conv(self.out_channels, (3, 3))(jax.image.resize(x, shape, "nearest")))


def tiny(method: str):
    config = image_translation.get_config(method)
    config.data.name = "digits"
    config.generator = {"name": f"{__name__}.Tiny"}
    config.discriminator.net = {"name": "genjax_models.nets.PerceptronDiscriminator", "widths": (8,)}
    config.eval.features = "digits"
    config.train.steps = 30
    for section in (config.train.optimizer, config.discriminator.optimizer):
        section.learning_rate = 1e-2
    if method == "super_resolution":
        config.update({"perceptual": "digits", "pretrain": 2})
    return config


@pytest.fixture(scope="module", params=translators.METHODS)
def bound(request):
    """A config, its experiment, its initial state and a batch."""
    config = tiny(request.param)
    experiment = image_translation.build(config)
    state = jax.jit(partial(initial_state, experiment=experiment, ema=False))(KEY)
    return config, experiment, state, next(batches(experiment.training_set(None), B, seed=0))


def test_where_networks_say_nothing_the_games_have_their_values_at_zero(bound):
    """Black generators and undecided discriminators: the losses follow from the images alone."""
    config, experiment, state, batch = bound
    params = jax.tree.map(jnp.zeros_like, state.params)
    run = lambda params, step: [p.objective(KEY, params, state.extra, batch, step)[0] for p in experiment.players]
    discriminator, generator = jax.jit(run)(params, 5)
    sizes = {name: np.abs(to_float(batch[name])).mean(axis=(1, 2, 3)) for name in "xy"}
    log_2 = np.full(B, np.log(2), np.float32)
    if config.method == "pix2pix":
        expected = log_2, log_2 + 100.0 * sizes["y"]
    elif config.method == "cyclegan":
        expected = np.ones(B), 2.0 + 10.0 * (sizes["x"] + sizes["y"])
    else:
        expected = 2.0 * log_2, 5e-3 * 2.0 * log_2 + 1e-2 * sizes["y"] + generator.aux["perceptual"]
        np.testing.assert_allclose(jax.jit(run)(params, 1)[1].value, sizes["y"], rtol=1e-5)
    for output, value in zip((discriminator, generator), expected, strict=True):
        np.testing.assert_allclose(output.value, value, rtol=1e-4)
        assert all(term.shape == (B,) for term in output.aux.values())


def test_errors_of_a_black_generator_follow_from_the_images(bound):
    config, experiment, state, batch = bound
    params = jax.tree.map(jnp.zeros_like, state.params)
    scores = jax.jit(experiment.validate)(KEY, Inference(params, state.extra), batch)
    x, y = (np.asarray(to_float(batch[name])) for name in "xy")
    flat = lambda image: image.reshape(B, -1)
    if config.method == "cyclegan":
        np.testing.assert_allclose(scores["cycle_x"], np.abs(flat(x)).mean(1), rtol=1e-5)
        np.testing.assert_allclose(scores["cycle_y"], np.abs(flat(y)).mean(1), rtol=1e-5)
    else:
        np.testing.assert_allclose(scores["l1"], np.abs(flat(y)).mean(1), rtol=1e-5)
        square = ((flat(y) / 2) ** 2).mean(1)
        np.testing.assert_allclose(scores["psnr"], 10 * np.log10(1 / square), rtol=1e-4)
    means, count = scores_of_test_split(experiment, Inference(params, state.extra), config)
    assert set(means) == set(scores)
    assert count == (148 if config.method == "cyclegan" else 296)


def test_training_lowers_the_error(bound):
    """And every array stays finite; the pools fill."""
    config, experiment, state, batch = bound
    step = jax.jit(partial(train_step, players=experiment.players))
    validate = jax.jit(experiment.validate)
    term = "cycle_x" if config.method == "cyclegan" else "l1"
    before = validate(KEY, Inference(state.params, state.extra), batch)[term].mean()
    for _ in range(config.train.steps):
        state, metrics = step(state, batch)
    assert all(np.isfinite(value) for value in metrics.values())
    assert [player.name.rstrip("s") for player in experiment.players] == ["discriminator", "generator"]
    assert validate(KEY, Inference(state.params, state.extra), batch)[term].mean() < 0.9 * before
    if config.method == "cyclegan":
        assert {name: int(pool.count) for name, pool in state.extra["pools"].items()} == {"x": 50, "y": 50}
        assert state.extra["pools"]["y"].images.shape == (50, 8, 8, 3)


def test_samples_are_translations_of_held_out_inputs_into_the_set(bound):
    config, experiment, state, _ = bound
    model = experiment.finalize(state.params, state.extra)
    sample, request = jax.jit(experiment.sample), SampleRequest(5, sampler="translation", steps=1)
    found = sample(KEY, model, request)
    assert found.shape == (5, 8, 8, 1)
    assert not np.allclose(found, sample(jax.random.key(1), model, request))
    test = translators.domains(config, "test")
    run = jax.jit(translate.translations(config))
    images = run(model, test.take(np.arange(test.size)))
    every = np.asarray(images["to_x" if config.method == "cyclegan" else "to_y"]).reshape(test.size, -1)
    for image in np.asarray(found).reshape(5, -1):
        assert np.abs(every - image).max(axis=1).min() < 1e-5
    with pytest.raises(UserError, match="request fewer"):
        experiment.sample(KEY, model, SampleRequest(test.size + 1))
    for refused in ({"guidance": 2.0}, {"cond": {"label": jnp.zeros(5, jnp.int32)}}, {"sampler": "ddim"}, {"keep": 3}):
        with pytest.raises(ValueError, match=r"guidance|'label'|sampler|one step"):
            experiment.sample(KEY, model, SampleRequest(5, **refused))
    shown = run(model, test.take(np.arange(3)))
    rows = 6 if config.method == "cyclegan" else 3
    assert translate.rows_of(shown).shape == (3 * rows, 8, 8, 3)


def test_classes_are_kept_as_the_module_defines_it():
    """A translator that does nothing keeps all classes; one that shuffles keeps those that happen to agree."""
    net, digits = load_feature_net("digits"), load("digits", "test").take(np.arange(60))
    x, label = np.asarray(to_float(jnp.asarray(digits["x"]))), digits["label"]
    predicted = net(x).logits.argmax(1)
    batch = {"label": label, "label_y": label[::-1]}
    cyclic = translate.kept_classes(net, {"x": x, "to_x": x[::-1], "back_x": np.roll(x, 1, 0)}, batch)
    np.testing.assert_array_equal(cyclic["accuracy_real"], predicted == label)
    np.testing.assert_array_equal(cyclic["accuracy"], (predicted == label)[::-1])
    np.testing.assert_array_equal(cyclic["agreement"], predicted == np.roll(predicted, 1))
    pairs = translate.kept_classes(net, {"y": x, "to_y": x}, {"label": label, "label_y": label})
    assert pairs["agreement"].all() and pairs["accuracy"].mean() > 0.9


def test_bicubic_enlargement_is_measured_beside_the_network():
    config = tiny("super_resolution")
    experiment = image_translation.build(config)
    flat = np.full((2, 8, 8, 1), 128, np.uint8)
    batch = {"x": shrink(flat, 2), "y": flat}
    model = Inference(*jax.jit(experiment.init)(KEY))
    scores = jax.jit(experiment.validate)(KEY, model, batch)
    np.testing.assert_allclose(scores["cubic_l1"], 0.0, atol=1e-6)  # what is flat stays flat


@pytest.mark.parametrize(
    ("method", "changes", "said"),
    [
        ("pix3pix", {}, "config.method='pix3pix' must be a text, one of 'pix2pix'"),
        ("pix2pix", {"view": "half"}, "keeps the size of images"),
        ("cyclegan", {"view": "quarter"}, "keeps the size of images"),
        ("cyclegan", {"weights.identity": 0.5}, "config.weights.identity=0"),
        ("cyclegan", {"train.parallel.mode": "shard_map"}, "config.pool=0"),
        ("super_resolution", {"perceptual": "mnist"}, "takes images of"),
        ("pix2pix", {"view": "sketch"}, "no view 'sketch'"),
        ("pix2pix", {"condition": ("label",)}, "config.condition is no field"),
        ("pix2pix", {"eval.batch": 100}, "set eval.batch to eval.num"),
    ],
)
def test_what_does_not_fit_is_one_line(method, changes, said):
    config = tiny("pix2pix" if method == "pix3pix" else method)
    config.method = method
    config.update_from_flattened_dict(changes)
    with pytest.raises(UserError, match=said) as error:
        build_experiment(config)
    assert "\n" not in str(error.value)


def test_a_network_with_batch_statistics_has_them_carried():
    config = tiny("pix2pix")
    config.discriminator.net = {"name": "genjax_models.nets.DCGANDiscriminator", "channels": (4, 4)}
    _, extra = jax.eval_shape(image_translation.build(config).init, KEY)
    assert "batch_stats" in extra["collections"]["discriminator"]


def test_a_translator_of_one_image_is_warned_of(bound):
    _, experiment, state, batch = bound
    params = jax.tree.map(jnp.zeros_like, state.params)
    _, maker = experiment.players
    output = jax.jit(lambda: maker.objective(KEY, params, state.extra, batch, jnp.array(5))[0])()
    assert experiment.watch({f"{maker.name}/spread": float(output.aux["spread"].mean())}).startswith("collapse")


def test_images_and_classes_must_be_those_of_the_set():
    config = tiny("pix2pix")
    config.data.name = "moons"
    with pytest.raises(UserError, match="no labels"):
        translate.classifier(config)
    config.data.name = "fashion_mnist"
    with pytest.raises(UserError, match="takes images of"):
        translate.classifier(config)
