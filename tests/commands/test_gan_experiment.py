"""GANs as experiments: every setting trains, what it samples with is finalized, runs resume, devices agree."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_gans import BATCH, DCGAN, PROGRESSIVE, SNGAN, STYLEGAN2, config_of, moved, start, step_of

from experiments.gan import game
from experiments.gan.heads import Head
from experiments.run.command import build_experiment
from genjax_models.data import batches, load
from genjax_models.training import SampleRequest, parallel, train_step
from genjax_models.training.loop import fit

SETTINGS = {
    "DCGAN": DCGAN,
    "SNGAN": {**SNGAN, "game": "hinge", "condition": ("label",)},
    "WGAN": {"game": "wasserstein", "clip": 0.02, "n_critic": 2},
    "WGAN-GP": {"game": "wasserstein", "penalties": (("gradient_penalty", 10.0, 1),), "n_critic": 2},
    "R3GAN": {"game": "relativistic", "penalties": (("r1_r2", 0.1, 2),)},
    "DRAGAN and R1": {"penalties": (("dragan", 10.0, 1), ("r1", 1.0, 4))},
    "StyleGAN2": {
        **STYLEGAN2,
        "mixing": 0.9,
        "penalties": (("r1", 1.0, 16),),
        "path_length": {"weight": 2.0, "every": 2},
    },
    "AC-GAN": {"head": {"name": "auxiliary"}, "condition": ("label",)},
    "InfoGAN": {"head": {"name": "info", "options": {"categorical": (3,), "continuous": 1}}},
    "DiffAugment": {"augment": {"name": "diff"}},
    "ADA": {"augment": {"name": "ada", "options": {"thousands": 0.032}}},
    "bCR": {"consistency": 10.0, "augment": {"name": "diff", "options": {"policy": ("translation",)}}},
}
SLOW = ("StyleGAN2", "SNGAN", "DRAGAN and R1", "WGAN", "InfoGAN")


@pytest.fixture(scope="module")
def batch():
    return next(batches(load("digits"), BATCH, seed=0))


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in SETTINGS])
def test_both_players_learn_and_the_finalized_generator_samples(name, batch):
    config = config_of(SETTINGS[name])
    experiment = build_experiment(config)
    step, before = step_of(experiment), start(experiment)
    state = before
    for number in (1, 2):
        last, (state, metrics) = state, step(state, batch)
        assert metrics["discriminator/nonfinite"] == 0
        rests = number % config.n_critic != 0
        assert moved(last.params["discriminator"]["net"], state.params["discriminator"]["net"])
        assert moved(last.params["generator"], state.params["generator"]) != rests
    assert metrics["generator/nonfinite"] == 0
    assert jax.tree.map(jnp.shape, state.extra) == jax.tree.map(jnp.shape, before.extra)
    if config.clip:
        assert max(np.abs(x).max() for x in jax.tree.leaves(state.params["discriminator"]["net"])) <= config.clip

    model = jax.jit(experiment.finalize)(state.params, state.extra)
    x = jax.jit(experiment.sample)(jax.random.key(1), model, SampleRequest(4))
    assert x.shape == (4, 8, 8, 1)
    assert np.isfinite(x).all()


@pytest.mark.parametrize(
    ("player", "name", "settings"),
    [
        ("discriminator", "r1", {"penalties": (("r1", 0.5, 2),)}),
        pytest.param(
            "generator",
            "path_length",
            {**STYLEGAN2, "path_length": {"weight": 2.0, "every": 2}},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_the_log_shows_a_lazy_penalty_as_it_was_last_seen(player, name, settings, batch):
    experiment = build_experiment(config_of(settings))
    step = step_of(experiment)
    state, due = step(start(experiment), batch)
    _, rests = step(state, batch)
    read = lambda metrics, *terms: [float(metrics[f"{player}/{term}"]) for term in terms]
    loss, game, shown = read(due, "loss", "game", name)
    np.testing.assert_allclose(loss, game + 2 * shown, rtol=1e-5)
    assert shown > 0
    loss, game, still = read(rests, "loss", "game", name)
    assert (loss, still) == (game, shown)


@pytest.mark.slow
def test_growth_fades_in_and_stays_and_real_images_are_as_sharp(batch):
    config = config_of(PROGRESSIVE)
    networks = game.make_parts(config).networks
    grown = [float(networks.growth(jnp.int32(step), 1)[0]) for step in range(6)]
    np.testing.assert_allclose(grown, [0, 0, 0, 0.5, 1, 1])
    x = jax.random.normal(jax.random.key(0), (2, 8, 8, 1))
    coarse = networks.as_grown(x, jnp.int32(0))
    np.testing.assert_allclose(coarse[:, ::2, ::2], x.reshape(2, 4, 2, 4, 2, 1).mean(axis=(2, 4)), atol=1e-6)
    np.testing.assert_allclose(coarse[:, ::2, ::2], coarse[:, 1::2, 1::2])
    np.testing.assert_allclose(networks.as_grown(x, jnp.int32(4)), x)
    experiment = build_experiment(config)
    state, metrics = step_of(experiment)(start(experiment), batch)
    assert metrics["generator/nonfinite"] == metrics["discriminator/nonfinite"] == 0
    still, moving = (jax.tree.leaves(s.params["generator"]["net"]) for s in (start(experiment), state))
    assert sum((a != b).any() for a, b in zip(still, moving, strict=True)) < len(still)  # the second stage rests


@pytest.mark.slow
def test_a_stopped_run_goes_on_bit_for_bit(tmp_path):
    def run(workdir, steps):
        config = config_of({**DCGAN, "augment": {"name": "ada"}})
        experiment = build_experiment(config)
        config.train.steps = steps
        return fit(experiment, config, workdir, batches(load("digits"), BATCH, seed=0))

    whole = run(tmp_path / "whole", 4)
    run(tmp_path / "parts", 2)
    parts = run(tmp_path / "parts", 4)
    for a, b in ((whole.params, parts.params), (whole.opt_state, parts.opt_state), (whole.extra, parts.extra)):
        jax.tree.map(np.testing.assert_array_equal, a, b)


@pytest.mark.slow
def test_three_ways_over_devices_give_one_update(batch, monkeypatch):
    """Batch norm sees the whole batch in each. Fakes come from their classes alone: shards have keys of their own."""
    zeros = lambda key, num: jnp.zeros((num, 6))
    nothing = lambda *arguments: jnp.zeros(len(arguments[-1]))
    monkeypatch.setattr(game, "make_head", lambda config, data: Head(0, zeros, nothing, nothing))
    results = {}
    for mode, devices in (("jit", 1), ("jit", 4), ("shard_map", 4), ("pmap", 4)):
        config = config_of({**DCGAN, "condition": ("label",)})
        config.train.parallel.mode = mode
        for section in (config.train.optimizer, config.discriminator_optimizer):
            section.update({"name": "sgd", "learning_rate": 0.1, "b1": 0.0})
        experiment, mesh = build_experiment(config), parallel.make_mesh(devices)
        state = start(experiment)
        step = parallel.compile(partial(train_step, players=experiment.players), mesh, mode=mode, state=state)
        placed = jax.device_put(state, parallel.state_shardings(state, mesh))
        after, metrics = step(placed, parallel.put_batch(batch, mesh))
        results[mode, devices] = jax.device_get(
            (after.params, after.extra["generator"], metrics["generator/grad_norm"])
        )
    reference = results.pop(("jit", 1))
    for result in results.values():
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-6), result, reference)


@pytest.mark.parametrize("consistency", [0.0, 1.0])
def test_the_strength_of_ada_follows_the_outputs_for_augmented_images(consistency, batch):
    """A discriminator that says yes to all it is shown overfits, one that says no does not; a batch moves it by 1/4."""
    experiment = build_experiment(config_of({**SETTINGS["ADA"], "consistency": consistency}))
    state = start(experiment)
    for bias, strength in ((50.0, 0.75), (-50.0, 0.25)):
        net = state.params["discriminator"]["net"]
        net = net | {"logit": net["logit"] | {"bias": jnp.full(1, bias)}}
        params = state.params | {"discriminator": state.params["discriminator"] | {"net": net}}
        given = replace(state, params=params, extra=state.extra | {"augment": jnp.asarray(0.5)})
        after, _ = step_of(experiment)(given, batch)
        assert float(after.extra["augment"]) == pytest.approx(strength)


@pytest.mark.parametrize(
    "settings",
    [
        {"augment": {"name": "diff"}},
        {"augment": {"name": "diff"}, "consistency": 1.0},
        {"head": {"name": "auxiliary", "weight": 2.0}, "condition": ("label",)},
        {"game": "least_squares"},
    ],
)
def test_a_setting_reaches_the_loss(settings, batch):
    plain = {"head": {"name": "auxiliary"}, "condition": ("label",)} if "head" in settings else {}
    losses = []
    for own in (plain, settings):
        experiment = build_experiment(config_of(own))
        metrics = step_of(experiment)(start(experiment), batch)[1]
        losses.append(float(metrics["discriminator/loss"]))
    assert losses[0] != pytest.approx(losses[1], rel=1e-3)


def test_mixed_styles_are_those_of_another_draw_from_some_layer_on(batch):
    config = config_of({**STYLEGAN2, "mixing": 0.5})
    networks = game.make_parts(config).networks
    params = build_experiment(config).init(jax.random.key(0))[0]
    z = networks.prior(jax.random.key(1), 64)
    variables = {"params": params["generator"]["net"]}
    mixed = networks.mixed(jax.random.key(2), variables, z, None)
    same = np.asarray((mixed == networks.styles(variables, z, None)).all(axis=-1))
    assert same[:, 0].all()
    assert (np.diff(same.astype(int), axis=1) <= 0).all()  # once another's, then to the end
    assert 16 < (~same.all(axis=1)).sum() < 48
