"""What autoencoders' experiments make of their parts: forms of data, likelihoods of bytes, codes, players."""

import importlib
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from experiments import vae
from experiments.config.data import spec_of
from experiments.run.held_out import test_likelihoods as likelihoods_of_test_images
from experiments.vae import autoencoder
from genjax_models.core.errors import UnsupportedError
from genjax_models.data import load
from genjax_models.families.vae import gaussian_optimal, optimal_log_std
from genjax_models.training import Inference, SampleRequest, make_optimizer

KEY = jax.random.key(0)
EMPTY = Inference({}, {})


def built(name):
    config = importlib.import_module(f"configs.vae.{name}").get_config("smoke")
    return config, importlib.import_module(config.experiment).build(config)


def digits(num=4):
    x = jax.random.randint(jax.random.key(9), (num, 8, 8, 1), 0, 256).astype(jnp.uint8)
    return {"x": x, "label": jnp.arange(num) % 10}


@pytest.mark.parametrize("name", ["tolstikhin2018_digits", "makhzani2015_digits", "larsen2016_digits"])
def test_who_has_no_likelihood_says_who_has(name):
    _, experiment = built(name)
    with pytest.raises(UnsupportedError, match=r"has no log_prob: choose a config of .*vae"):
        likelihoods_of_test_images(experiment, EMPTY, load("digits", "test"), 8, batch=8, seed=0)


def test_an_autoencoder_has_one_step_and_no_path():
    _, experiment = built("kingma2014_digits")
    for options in ({"steps": 7}, {"keep": 7}):
        with pytest.raises(ValueError, match="one step and has no path to show; 7 were"):
            experiment.sample(KEY, EMPTY, SampleRequest(2, **options))
    with pytest.raises(ValueError, match="not trained with a condition 'label'"):
        experiment.sample(KEY, EMPTY, SampleRequest(2, cond={"label": jnp.zeros(2, jnp.int32)}))


def test_likelihood_of_bytes_under_a_normal_whose_decoder_ignores_z():
    """With no decoder and no encoder to speak of, the bound is a product of normals over each byte's interval."""
    config = vae.get_config()
    config.observation = {"name": "gaussian", "options": {"log_std": float(np.log(0.5))}}
    config.encoder.widths = config.decoder.widths = ()
    config.likelihood.samples = 1
    experiment = vae.build(config)
    params, extra = experiment.init(KEY)
    model = Inference(jax.tree.map(jnp.zeros_like, params), extra)
    batch = digits()
    measure = jax.jit(lambda key: experiment.log_prob(key, model, batch).value)
    found = np.mean([measure(key) for key in jax.random.split(KEY, 30)], axis=0)
    edges = np.asarray(batch["x"], np.float64)[..., None] / 128 - 1 + np.array([0, 1 / 128])
    mass = np.diff(stats.norm.cdf(edges / 0.5), axis=-1)
    np.testing.assert_allclose(found, np.log(mass).reshape(4, -1).sum(axis=1), rtol=2e-4)


@pytest.mark.parametrize("name", ["maf", "autoregressive", pytest.param("real_nvp", marks=pytest.mark.slow)])
def test_a_learned_prior_starts_as_the_standard_normal_and_is_learnt(name):
    """Likelihoods are then those of the normal prior, draw by draw, and a step's gradient reaches the prior."""
    config = vae.get_config()
    config.encoder.widths = config.decoder.widths = (8,)
    config.update({"latent": 3, "likelihood": {"kind": "importance", "samples": 4}})
    plain = vae.build(config)
    config.prior.update({"name": name, "components": 2, "depth": 2, "width": 8})
    learned, batch = vae.build(config), digits()

    @jax.jit
    def run():
        params, extra = learned.init(KEY)
        if name == "autoregressive":  # which starts a little off, so that its components part
            params["model"]["prior"]["out"]["kernel"] *= 0.0
        without = {"model": {part: own for part, own in params["model"].items() if part != "prior"}}
        step = lambda params: learned.players[0].objective(KEY, params, extra, batch, jnp.int32(0))[0].value.mean()
        models = (learned, Inference(params, extra)), (plain, Inference(without, extra))
        values = [built.log_prob(KEY, model, batch).value for built, model in models]
        images = learned.sample(KEY, models[0][1], SampleRequest(2))
        return values, jax.grad(step)(params)["model"]["prior"], images

    (found, expected), slopes, images = run()
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert sum(float(jnp.abs(slope).sum()) for slope in jax.tree.leaves(slopes)) > 1e-2
    assert images.shape == (2, 8, 8, 1)


def test_the_tracked_standard_deviation_learns_from_the_best_one_and_touches_nothing_else():
    raw, x = jax.random.normal(KEY, (3, 4, 4, 1)), jax.random.normal(jax.random.key(1), (3, 4, 4, 1))
    value = lambda likelihood, raw: likelihood.log_prob(raw, x).sum()
    best = gaussian_optimal()
    ours = jax.value_and_grad(lambda log_std, raw: value(autoencoder.tracked(log_std), raw), argnums=(0, 1))
    found, (slope, pull) = ours(jnp.array(0.3), raw)
    np.testing.assert_allclose(found, value(best, raw), rtol=1e-5)
    np.testing.assert_allclose(pull, jax.grad(partial(value, best))(raw), rtol=1e-5)
    assert slope < 0 if optimal_log_std(raw, x) < 0.3 else slope > 0
    np.testing.assert_allclose(ours(optimal_log_std(raw, x), raw)[1][0], 0.0, atol=1e-3)


@pytest.mark.parametrize("name", ["gaussian_optimal", "gaussian_shared"])
def test_a_shared_standard_deviation_reaches_its_optimum_in_a_run_on_digits(name):
    """Residuals of standard deviation e^-3 are further from where it starts than the rates of the run together, 1.5."""
    config = importlib.import_module("configs.vae.rybkin2021_digits").get_config()
    config.observation.name = name
    observation = autoencoder.observed(config, spec_of(config))
    tx = make_optimizer(config.train.optimizer, config.train.steps)
    mean = jnp.zeros((8, 8, 8, 1))

    def step(carry, key):
        shared, state = carry
        x = jnp.exp(-3.0) * jax.random.normal(key, mean.shape)
        slope = jax.grad(lambda shared: -observation.train(shared).log_prob(mean, x).mean())(shared)
        update, state = tx.update(slope, state, shared)
        return (shared + update, state), None

    @jax.jit
    def run():
        start = jnp.zeros(())
        (shared, _), _ = jax.lax.scan(step, (start, tx.init(start)), jax.random.split(KEY, config.train.steps))
        return observation.test(shared).log_prob(mean, mean)[0] / 64

    np.testing.assert_allclose(run(), 3.0 - 0.5 * np.log(2 * np.pi), atol=0.01)


@pytest.mark.parametrize(
    "name",
    [
        "kingma2014_digits",
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("sonderby2016_digits", "makhzani2015_digits")),
    ],
)
def test_codes_decode_to_images_and_interpolation_ends_at_both(name):
    _, experiment = built(name)
    random = np.random.default_rng(0)
    shapes, extra = jax.eval_shape(experiment.init, KEY)
    params = jax.tree.map(lambda a: jnp.asarray(0.1 * random.normal(size=a.shape), a.dtype), shapes)
    assert not jax.tree.leaves(extra)
    model = Inference(params, extra)
    first, second = digits(), jax.tree.map(lambda a: a[::-1], digits())
    keys = jax.random.split(jax.random.key(2), 3)

    def run(model):
        path = autoencoder.interpolate(experiment, jax.random.key(2), model, first, second, 3)
        ends = [
            experiment.decode(keys[2], model, experiment.encode(key, model, batch))
            for key, batch in zip(keys[:2], (first, second), strict=True)
        ]
        return path, ends

    path, ends = jax.jit(run)(model)
    assert path.shape == (3, 4, 8, 8, 1)
    assert float(jnp.abs(path).max()) <= 1.0
    np.testing.assert_allclose(path[0], ends[0], atol=1e-4)
    np.testing.assert_allclose(path[2], ends[1], atol=1e-4)


def test_a_game_moves_every_player_by_its_own_loss_alone():
    """An encoder's gradient to the decoder's parameters is nobody's business: each player's tree is its own."""
    _, experiment = built("larsen2016_digits")
    params, _ = jax.eval_shape(experiment.init, KEY)
    assert {player.name for player in experiment.players} == {"encoder", "decoder", "discriminator"} == set(params)
    assert set(params["encoder"]) == {"encoder"}
    assert set(params["decoder"]) == {"decoder", "log_std"}


@pytest.mark.slow
def test_what_is_seen_of_an_image_stays_and_the_rest_is_drawn():
    """Bits that are seen are the image's own, the others do not depend on what they were."""
    config, experiment = built("kingma2014_digits")
    config.impute.steps = 3
    model = Inference(*jax.jit(experiment.init)(KEY))
    seen = np.zeros((4, 8, 8, 1), bool)
    seen[:, :4] = True
    batch = {"x": jnp.where(digits()["x"] > 127, 255, 0).astype(jnp.uint8), "label": jnp.arange(4)}
    other = batch | {"x": jnp.where(seen, batch["x"], 255 - batch["x"]).astype(jnp.uint8)}
    run = jax.jit(lambda batch: experiment.impute(KEY, model, batch, seen))
    found = run(batch)
    np.testing.assert_array_equal(found[:, :4] > 0, batch["x"][:, :4] > 127)
    np.testing.assert_array_equal(found, run(other))
