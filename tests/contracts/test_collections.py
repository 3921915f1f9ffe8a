"""Variables of a network that no optimiser moves are carried from step to step, saved, and sampled with."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from ml_collections import ConfigDict

from experiments import flow_matching, vae
from experiments.config.data import data_of
from experiments.config.networks import Collections, initialize
from genjax_models.core.errors import UserError
from genjax_models.core.types import LossOutput
from genjax_models.data import ArrayDataset, batches, load
from genjax_models.data.spec import of_vectors
from genjax_models.modalities.image import binarize_once
from genjax_models.training import (
    Experiment,
    Player,
    SampleRequest,
    make_optimizer,
    parallel,
    train_step,
    training_config,
)
from genjax_models.training.checkpoint import Checkpoints, restore
from genjax_models.training.experiment import initial_state
from genjax_models.training.loop import fit

MOMENTUM = 0.9


class Normed(nn.Module):
    """A batch norm of the flat input, and a linear map."""

    out_shape: tuple[int, ...]
    num_classes: int = 0

    @nn.compact
    def __call__(self, x, t=None, cond=None, *, train=False):
        h = nn.BatchNorm(use_running_average=not train, momentum=MOMENTUM)(x.reshape(x.shape[0], -1))
        return nn.Dense(int(np.prod(self.out_shape)))(h).reshape(-1, *self.out_shape)


def flow_experiment():
    config = flow_matching.get_config()
    config.data.name = "digits"
    config.net = ConfigDict({"name": f"{__name__}.Normed", "out_shape": (8, 8, 1)})
    config.sample.steps = 2
    return flow_matching.build(config), ("net",)


def vae_experiment():
    config = vae.get_config()
    config.data.name = "digits"
    config.encoder = ConfigDict({"name": f"{__name__}.Normed"})
    config.decoder = ConfigDict({"name": f"{__name__}.Normed"})
    return vae.build(config), ("encoder", "decoder")


@pytest.fixture(scope="module", params=[flow_experiment, vae_experiment])
def trained(request):
    """An experiment, the names of its networks, its state before and after one step, and the batch of that."""
    experiment, nets = request.param()
    batch = next(batches(load("digits"), 16, seed=0))
    before = jax.jit(partial(initial_state, experiment=experiment, ema=False))(jax.random.key(0))
    after, _ = jax.jit(partial(train_step, players=experiment.players))(before, batch)
    return experiment, nets, before, after, batch


def statistics(state, net):
    return state.extra["collections"][net]["batch_stats"]["BatchNorm_0"]


def test_a_step_of_training_moves_the_statistics_of_every_network(trained):
    _, nets, before, after, _ = trained
    assert set(after.extra["collections"]) == set(nets)
    for net in nets:
        for name, start in (("mean", 0.0), ("var", 1.0)):
            np.testing.assert_array_equal(statistics(before, net)[name], start)
            assert not np.allclose(statistics(after, net)[name], start)


def test_the_statistics_of_an_encoder_are_those_of_its_batch():
    """Of bits that are the same each time: the running mean is a tenth of that of the batch."""
    config = vae.get_config()
    config.data.name = "digits"
    config.binarization = "static"
    config.encoder = config.decoder = ConfigDict({"name": f"{__name__}.Normed"})
    experiment = vae.build(config)
    batch = next(batches(load("digits"), 16, seed=0))
    state = jax.jit(partial(initial_state, experiment=experiment, ema=False))(jax.random.key(0))
    state, _ = jax.jit(partial(train_step, players=experiment.players))(state, batch)
    x = np.asarray(binarize_once(jnp.asarray(batch["x"]))).reshape(16, -1)
    np.testing.assert_allclose(statistics(state, "encoder")["mean"], (1 - MOMENTUM) * x.mean(0), rtol=1e-4, atol=1e-6)
    expected = MOMENTUM + (1 - MOMENTUM) * x.var(0)
    np.testing.assert_allclose(statistics(state, "encoder")["var"], expected, rtol=1e-4)


def test_statistics_survive_a_checkpoint_bit_for_bit(trained, tmp_path):
    after = trained[3]
    with Checkpoints(tmp_path, keep_last=1, keep_best=0) as checkpoints:
        checkpoints.save(1, after, data=batches(load("digits"), 16, seed=0).get_state())
    shardings = parallel.state_shardings(jax.eval_shape(lambda: after), parallel.make_mesh(1))
    found = restore(tmp_path, parallel.abstract(jax.eval_shape(lambda: after), shardings)).state
    jax.tree.map(np.testing.assert_array_equal, found.extra["collections"], after.extra["collections"])


def test_scores_and_samples_use_the_statistics(trained):
    experiment, nets, before, after, batch = trained
    sample = jax.jit(experiment.sample)
    validate = jax.jit(experiment.validate)
    model = experiment.finalize(after.params, after.extra)
    for net in nets:
        other = after.extra | {"collections": after.extra["collections"] | {net: before.extra["collections"][net]}}
        fresh = experiment.finalize(after.params, other)
        key = jax.random.key(3)
        assert not np.allclose(validate(key, model, batch)["loss"], validate(key, fresh, batch)["loss"])
        if net != "encoder":  # which samples do not see
            drawn = [sample(key, m, SampleRequest(4)) for m in (model, fresh)]
            assert not np.allclose(*drawn)


def test_statistics_from_within_a_jvp_are_refused_in_one_line(tmp_path):
    config = ConfigDict({"experiment": "inside", "train": training_config()})
    config.train.update({"steps": 2, "batch_size": 4})
    spec, net = of_vectors("inside", 3), Normed((3,))

    def init(key):
        start = initialize(net, key, jnp.zeros((1, 3)))
        return {"model": start.params}, {"collections": {"net": start.collections}}

    def objective(key, params, extra, batch, step):
        collections = Collections(extra["collections"], train=True)
        call = lambda x: collections.apply("net", net, params["model"], x)
        value, slope = jax.jvp(call, (batch["x"],), (jnp.ones_like(batch["x"]),))
        return LossOutput((value * slope).sum(-1)), {"collections": collections.latest}

    player = Player("model", objective, make_optimizer(config.train.optimizer, 2))
    data = batches(ArrayDataset(spec, "train", {"x": np.ones((8, 3), np.float32)}), 4, seed=0)
    with pytest.raises(UserError, match=r"config\.net has batch_stats, which cannot be updated") as error:
        fit(Experiment(spec, init, (player,)), config, tmp_path, data)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("cond", "message"),
    [
        ({"label": jnp.zeros(3, jnp.int32)}, r"'label' must have shape \[4\] and dtype int32, got \[3\] and int32"),
        ({"label": jnp.zeros((4, 1), jnp.int32)}, r"'label' must have shape \[4\] and dtype int32, got \[4, 1\]"),
        ({"label": jnp.zeros(4)}, r"'label' must have shape \[4\] and dtype int32, got \[4\] and float32"),
        ({"text": jnp.zeros((4, 8))}, "was not trained with a condition 'text': it takes label"),
    ],
)
def test_a_condition_that_does_not_fit_is_one_line(cond, message):
    config = flow_matching.get_config()
    config.data.name, config.condition = "digits", ("label",)
    with pytest.raises(UserError, match=message) as error:
        data_of(config).requested(SampleRequest(4, cond=cond))
    assert "\n" not in str(error.value)
