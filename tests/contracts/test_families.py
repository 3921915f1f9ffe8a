"""What every family promises, in one table: a new family adds its digits config to `ROWS`."""

import importlib
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree
from ml_collections import ConfigDict

from experiments.config.data import dataset_of
from experiments.config.modules import modules
from experiments.run.tasks import TASKS
from genjax_models.core.errors import UserError
from genjax_models.data import batches
from genjax_models.modalities.image import to_float
from genjax_models.training import Experiment, Inference, SampleRequest, train_step
from genjax_models.training.ema import make_ema, tracks_of
from genjax_models.training.experiment import initial_state

ROWS = {
    "flow_matching": "configs.flow_matching.lipman2023_digits",
    "flow_matching conditional": "configs.flow_matching.lipman2023_digits:conditional",
    "two conditions": "configs.flow_matching.lipman2023_emoji_32",
    "diffusion": "configs.diffusion.ho2020_digits",
    "diffusion conditional": "configs.diffusion.ho2020_digits:conditional",
    "learned variance": "configs.diffusion.nichol2021_digits",
    "variational diffusion": "configs.diffusion.kingma2021_digits",
    "score SDE": "configs.diffusion.song2021_ve_digits",
    "learned uncertainty": "configs.diffusion.karras2024_digits",
    "reflow": "configs.flow_matching.liu2023_digits",
    "consistency training": "configs.consistency.song2023_improved_digits",
    "consistency distillation": "configs.consistency.song2023_distillation_digits",
    "latent consistency": "configs.consistency.luo2023_digits",
    "classifier": "configs.classifier.digits",
    "noisy classifier": "configs.classifier.dhariwal2021_digits",
    "normalizing flow": "configs.flows.dinh2017_digits",
    "TarFlow conditional": "configs.flows.zhai2024_digits:conditional",
    "residual flow": "configs.flows.chen2019_digits",
    "VAE": "configs.vae.kingma2014_digits",
    "conditional VAE": "configs.vae.kingma2014_digits:conditional",
    "sigma-VAE": "configs.vae.rybkin2021_digits",
    "FactorVAE": "configs.vae.kim2018_digits",
    "ladder VAE": "configs.vae.sonderby2016_digits",
    "very deep VAE": "configs.vae.child2021_digits",
    "autoregressive": "configs.autoregressive.karpathy2022_kjv",
    "GAN": "configs.gan.goodfellow2014_digits",
    "DCGAN conditional": "configs.gan.radford2016_digits:conditional",
    "BiGAN": "configs.gan.donahue2017_digits",
}
ELSEWHERE = {
    "Riemannian flow matching": "configs.flow_matching.chen2024_torus",
    "image translation": "configs.gan.isola2017_fashion_mnist",
}
"""Of the experiments whose data are not digits; what they do is tested where their data are."""
SLOW = (
    "DCGAN conditional",
    "BiGAN",
    "noisy classifier",
    "learned variance",
    "variational diffusion",
    "learned uncertainty",
    "conditional VAE",
    "normalizing flow",
    "TarFlow conditional",
    "residual flow",
    "FactorVAE",
    "ladder VAE",
    "sigma-VAE",
    "very deep VAE",
)
BATCH = 16
TINY = {
    "genjax_models.nets.MLP": {"width": 64, "depth": 1},
    "genjax_models.nets.ResNetConditioner": {"width": 8, "depth": 1},
    "genjax_models.nets.CausalTransformer": {"width": 16, "depth": 1, "heads": 2},
    "genjax_models.nets.TokenTransformer": {"width": 16, "depth": 1, "heads": 2},
    "genjax_models.nets.LipschitzConv": {"width": 4},
    "genjax_models.nets.Ladder": {"latents": (4, 2), "widths": (16, 8)},
    "genjax_models.nets.VeryDeepVAE": {"width": 8, "middle": 4, "factors": (2,), "blocks": (1, 1), "depths": (1, 1)},
    "genjax_models.nets.UNet": {"channels": 8, "multipliers": (1,), "num_blocks": 1, "groups": 4, "head_dim": 8},
    "genjax_models.nets.UNetEncoder": {"channels": 8, "multipliers": (1,), "num_blocks": 1, "groups": 4, "head_dim": 8},
    "genjax_models.nets.EDM2UNet": {"channels": 8, "multipliers": (1,), "num_blocks": 1, "head_dim": 8},
}


class Bound(NamedTuple):
    """A row of the table, small, with its initial parameters moved off the zeros that networks end with."""

    config: ConfigDict
    experiment: Experiment
    params: dict
    extra: dict

    def model(self) -> Inference:
        """What the finished state would be used with."""
        return jax.jit(self.experiment.finalize)(self.params, self.extra)


@pytest.fixture(
    scope="module", params=[pytest.param(row, marks=pytest.mark.slow) if row in SLOW else row for row in ROWS]
)
def bound(request) -> Bound:
    module, _, variant = ROWS[request.param].partition(":")
    config = importlib.import_module(module).get_config(",".join(filter(None, [variant, "smoke"])))
    for section in (config, config.get("teacher", {})):
        section.get("net", {}).update(TINY.get(section.get("net", {}).get("name"), {}))
    config.train.steps = 120
    config.train.optimizer.update({"learning_rate": 5e-3, "schedule": {"name": "constant"}})
    if "intervals" in config:
        config.intervals.update({"first": 8, "last": 8})  # losses of different numbers do not compare
    experiment = importlib.import_module(config.experiment).build(config)
    params, extra = jax.jit(experiment.init)(jax.random.key(0))
    flat, restore = ravel_pytree(params)
    moved = flat + 0.02 * np.random.default_rng(0).standard_normal(flat.shape, np.float32)
    return Bound(config, experiment, restore(moved), extra)


@pytest.fixture(scope="module")
def batch(bound) -> dict[str, np.ndarray]:
    """Of the config's data set; where a model makes its own training set of pairs, pairs of digits."""
    try:
        digits = next(batches(dataset_of(bound.config, "train"), BATCH, seed=0))
    except UserError as error:
        pytest.skip(str(error))  # says how to fetch it
    if bound.experiment.training_set is None:
        return digits
    x = np.asarray(to_float(digits["x"]))
    return {"x": np.stack([x, x[::-1]], axis=1), "label": digits["label"]}


def objective_of(bound: Bound, batch) -> Callable:
    """The first player's loss as a function of its parameters."""
    player = bound.experiment.players[0]

    def run(own):
        output, _ = player.objective(jax.random.key(1), bound.params | {player.name: own}, bound.extra, batch, 3)
        return output.value.mean(), output

    return run


def test_an_experiment_states_what_it_can_do(bound):
    stated = set(importlib.import_module(bound.config.experiment).TASKS)
    able = {task for task in TASKS if getattr(bound.experiment, task) is not None}
    assert able == stated


def test_objective_keeps_the_batch_axis_and_has_finite_gradients(bound, batch):
    own = bound.params[bound.experiment.players[0].name]
    gradient, output = jax.jit(jax.grad(objective_of(bound, batch), has_aux=True))(own)
    assert output.value.shape == (BATCH,)
    assert all(term.shape == (BATCH,) for term in output.aux.values())
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(gradient)]
    assert all(np.isfinite(leaf).all() for leaf in leaves)
    assert any((leaf != 0).any() for leaf in leaves)


def test_jit_changes_nothing(bound, batch):
    if bound.config.get("net", {}).get("name") != "genjax_models.nets.MLP":
        pytest.skip("hundreds of operations, each compiled by itself")
    own = bound.params[bound.experiment.players[0].name]
    run = lambda own: objective_of(bound, batch)(own)[1].value
    np.testing.assert_allclose(jax.jit(run)(own), run(own), rtol=2e-4, atol=2e-5)


def test_an_example_does_not_see_its_neighbours(bound, batch):
    """Held-out terms of an example are the same whatever the other examples are."""
    if bound.experiment.validate is None:
        pytest.skip("there is no held-out term")
    other = {name: np.concatenate([x[:1], x[:0:-1]]) for name, x in batch.items()}
    model = bound.model()
    terms = jax.jit(lambda batch: bound.experiment.validate(jax.random.key(1), model, batch))
    ours, theirs = terms(batch), terms(other)
    for name in ours:
        np.testing.assert_allclose(ours[name][0], theirs[name][0], rtol=1e-4)


def test_loss_of_one_batch_falls_without_recompiling(bound, batch):
    config, experiment = bound.config, bound.experiment
    ema = make_ema(config.train.ema)
    step = jax.jit(partial(train_step, players=experiment.players, ema=ema))
    start = partial(initial_state, experiment=experiment, ema=True, tracks=tracks_of(ema))
    state = jax.jit(start)(jax.random.key(0))
    first = experiment.players[0].name
    loss, losses = "loss" if len(experiment.players) == 1 else f"{first}/loss", []
    for _ in range(config.train.steps):
        state, metrics = step(state, batch)
        losses.append(metrics[loss])
    assert step._cache_size() <= 1  # 0 where the cache that all functions share was full
    assert np.isfinite(losses).all()
    if experiment.watch is None:  # the losses of a game need not fall
        assert np.mean(losses[-20:]) < 0.9 * np.mean(losses[:10])


def test_samples_have_the_shape_and_range_of_data(bound):
    if bound.experiment.sample is None:
        pytest.skip("this family does not sample")
    model, draw = bound.model(), jax.jit(bound.experiment.sample)
    for sampler, steps in dict(bound.config.eval.rows).items():
        request = SampleRequest(6, sampler=sampler, steps=min(3, steps))
        x = draw(jax.random.key(0), model, request)
        assert x.shape == (6, *bound.experiment.spec.shape)
        field = bound.experiment.spec.field
        assert bool(((x >= 0) & (x < field.size) if field.kind == "tokens" else jnp.abs(x) <= 1).all())
        assert not np.allclose(x, draw(jax.random.key(1), model, request))


def test_likelihood_is_one_finite_number_an_example(bound, batch):
    if bound.experiment.log_prob is None or bound.experiment.training_set is not None:
        pytest.skip("this family has no likelihood, or its twin above has the same")
    model = bound.model()
    run = jax.jit(lambda batch: bound.experiment.log_prob(jax.random.key(0), model, batch).value)
    value = run(batch)
    assert value.shape == (BATCH,)
    assert bool(jnp.isfinite(value).all())


def test_guidance_moves_conditional_samples_and_is_refused_elsewhere(bound):
    config, experiment = bound.config, bound.experiment
    if experiment.sample is None:
        pytest.skip("this family does not sample")
    model = bound.model()

    def draw(guidance):
        steps = 2 if "guidance" in config.sample else None
        return jax.jit(experiment.sample)(jax.random.key(0), model, SampleRequest(4, steps=steps, guidance=guidance))

    if config.condition and "guidance" in config.sample:
        assert not np.allclose(draw(1.0), draw(4.0))
    else:
        with pytest.raises(UserError, match="conditional"):
            draw(4.0)


def test_what_an_experiment_can_do_is_what_its_module_states():
    had: dict[str, set[str]] = {name: set() for name in modules()}
    for row in (ROWS | ELSEWHERE).values():
        path, _, variant = row.partition(":")
        config = importlib.import_module(path).get_config(variant)
        experiment = importlib.import_module(config.experiment).build(config)
        able = {task for task in TASKS if getattr(experiment, task) is not None}
        assert able <= set(modules()[config.experiment].TASKS), row
        had[config.experiment] |= able
    for name, module in modules().items():
        assert set(module.TASKS) == had[name], f"{name}: no row of the table has a task that it states"
