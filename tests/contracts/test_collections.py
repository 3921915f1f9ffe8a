"""Variables of a network that no optimiser moves are carried from step to step, saved, and sampled with."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from ml_collections import ConfigDict

from experiments import flow_matching, flows, vae
from experiments.config.data import data_of
from experiments.config.networks import Collections, initialize
from experiments.vae import hierarchical
from genjax_models.core.errors import UserError
from genjax_models.core.types import LossOutput
from genjax_models.data import ArrayDataset, batches, load
from genjax_models.data.spec import of_vectors
from genjax_models.families.flows.actnorm import actnorm
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


class NormedConditioner(nn.Module):
    """The same inside a coupling, with the channels that this needs."""

    out_channels: int = 1
    num_classes: int = 0

    @nn.compact
    def __call__(self, x, t=None, cond=None, *, train=False):
        h = nn.BatchNorm(use_running_average=not train, momentum=MOMENTUM)(x)
        return nn.Dense(self.out_channels, kernel_init=nn.initializers.normal(0.1))(h)


class NormedGroups(nn.Module):
    """Two groups of latent variables; batch norms before the encoder's map and the decoder's."""

    out_shape: tuple[int, ...]
    num_classes: int = 0
    groups = 2

    def setup(self):
        self.norm_x, self.norm_z = (nn.BatchNorm(momentum=MOMENTUM) for _ in range(2))
        self.to_z, self.to_x = nn.Dense(8), nn.Dense(int(np.prod(self.out_shape)))

    def encode(self, x, cond=None, *, train=False):
        return self.to_z(self.norm_x(x.reshape(x.shape[0], -1), use_running_average=not train))

    def start(self, batch, cond=None, *, train=False):
        return jnp.zeros((batch, 4))

    def prior(self, group, h, *, train=False):
        return jnp.zeros((h.shape[0], 4)), h

    def posterior(self, group, h, found, *, train=False):
        return found[:, 4 * group : 4 * group + 4]

    def merge(self, group, h, z, *, train=False):
        return jnp.concatenate([h[:, :2], z], axis=-1) if group == 0 else jnp.concatenate([h[:, 2:], z], axis=-1)

    def decode(self, h, *, train=False):
        return self.to_x(self.norm_z(h, use_running_average=not train)).reshape(-1, *self.out_shape)

    def __call__(self, x, t=None, cond=None, *, train=False):
        found = self.encode(x)
        h = self.start(x.shape[0])
        for group in range(2):
            h = self.merge(group, h, self.posterior(group, h, found)[:, :2])
        return self.decode(h)


def flow_matching_experiment():
    config = flow_matching.get_config()
    config.data.name = "digits"
    config.net = ConfigDict({"name": f"{__name__}.Normed", "out_shape": (8, 8, 1)})
    config.sample.steps = 2
    return flow_matching.build(config), ("net",)


def flow_experiment(name="real_nvp", **options):
    config = flows.get_config()
    config.data.name = "digits"
    config.flow.name, config.flow.options = name, ConfigDict(options)
    config.net = ConfigDict({"name": f"{__name__}.NormedConditioner"})
    return flows.build(config)


def coupling_experiment():
    experiment = flow_experiment()
    return experiment, tuple(jax.eval_shape(experiment.init, jax.random.key(0))[1]["collections"])


def hierarchical_experiment():
    config = hierarchical.get_config()
    config.data.name = "digits"
    config.binarization, config.observation.name = "static", "bernoulli"
    config.observation.options = ConfigDict()
    config.net = ConfigDict({"name": f"{__name__}.NormedGroups"})
    return hierarchical.build(config), ("net",)


def vae_experiment():
    config = vae.get_config()
    config.data.name = "digits"
    config.encoder = ConfigDict({"name": f"{__name__}.Normed"})
    config.decoder = ConfigDict({"name": f"{__name__}.Normed"})
    return vae.build(config), ("encoder", "decoder")


EXPERIMENTS = [flow_matching_experiment, vae_experiment, coupling_experiment, hierarchical_experiment]


@pytest.fixture(scope="module", params=EXPERIMENTS)
def trained(request):
    """An experiment, the names of its networks, its state before and after one step, and the batch of that."""
    experiment, nets = request.param()
    batch = next(batches(load("digits"), 16, seed=0))
    before = jax.jit(partial(initial_state, experiment=experiment, ema=False))(jax.random.key(0))
    after, _ = jax.jit(partial(train_step, players=experiment.players))(before, batch)
    return experiment, nets, before, after, batch


def statistics(state, net):
    """Of every batch norm of a network: its `mean` and `var`."""
    found = state.extra["collections"][net]["batch_stats"]
    assert all(set(own) == {"mean", "var"} for own in found.values())
    return list(found.values())


def test_a_step_of_training_moves_the_statistics_of_every_network(trained):
    _, nets, before, after, _ = trained
    assert set(after.extra["collections"]) == set(nets)
    for net in nets:
        for old, new in zip(statistics(before, net), statistics(after, net), strict=True):
            for name, start in (("mean", 0.0), ("var", 1.0)):
                np.testing.assert_array_equal(old[name], start)
                assert not np.allclose(new[name], start)


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
    (found,) = statistics(state, "encoder")
    np.testing.assert_allclose(found["mean"], (1 - MOMENTUM) * x.mean(0), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found["var"], MOMENTUM + (1 - MOMENTUM) * x.var(0), rtol=1e-4)


def test_the_statistics_of_a_coupling_are_those_of_what_it_sees():
    """The first coupling of a flow on the plane sees one of two variables, after an activation normalisation."""
    config = flows.vector_config()
    config.net = ConfigDict({"name": f"{__name__}.NormedConditioner"})
    experiment = flows.build(config)
    before = jax.jit(partial(initial_state, experiment=experiment, ema=False))(jax.random.key(0))
    batch = {"x": jax.random.normal(jax.random.key(1), (16, 2)) + 3.0}
    after, _ = jax.jit(partial(train_step, players=experiment.players))(before, batch)
    seen, _ = actnorm().forward_and_log_det(before.params["model"][0][0], batch["x"], None)
    (found,) = statistics(after, "net.0.1.0")
    np.testing.assert_allclose(found["mean"], (1 - MOMENTUM) * seen[:, :1].mean(0), rtol=1e-4)
    np.testing.assert_allclose(found["var"], MOMENTUM + (1 - MOMENTUM) * seen[:, :1].var(0), rtol=1e-4)


@pytest.mark.parametrize("name", ["glow", "residual"])
def test_a_flow_whose_layer_cannot_return_statistics_says_so(name):
    """Glow with scanned steps, and a series over products with the Jacobian."""
    options = {"glow": {"levels": 1, "depth": 2, "scan": True}, "residual": {"depth": 1}}[name]
    experiment = flow_experiment(name, **options)
    state = jax.eval_shape(partial(initial_state, experiment=experiment, ema=False), jax.random.key(0))
    batch = next(batches(load("digits"), 16, seed=0))
    with pytest.raises(UserError, match=r"config\.net\.[\d.]+ has batch_stats, which cannot be updated where"):
        jax.eval_shape(partial(train_step, players=experiment.players), state, batch)


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
    scored = "bits_per_dim" if len(nets) > 2 else "loss"  # of a flow
    for net in nets:
        other = after.extra | {"collections": after.extra["collections"] | {net: before.extra["collections"][net]}}
        fresh = experiment.finalize(after.params, other)
        key = jax.random.key(3)
        assert not np.allclose(validate(key, model, batch)[scored], validate(key, fresh, batch)[scored])
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
