"""The flows' experiment on points of the plane and on digits: tasks, warm start, refusals."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from experiments import flows
from experiments.flows import likelihood
from genjax_models.core.errors import UserError
from genjax_models.data import load
from genjax_models.modalities.image import to_float
from genjax_models.training import Experiment, Inference, SampleRequest
from genjax_models.training.experiment import initial_state

SMALL = {"width": 8, "depth": 1}


def plane(name: str = "real_nvp", **options) -> ConfigDict:
    config = flows.vector_config()
    config.net.update(SMALL)
    config.flow.update({"name": name, "options": ConfigDict(options)})
    config.impute.steps = 20
    return config


def digits() -> ConfigDict:
    config = flows.get_config()
    config.net = ConfigDict({"name": "genjax_models.nets.ConvConditioner", "width": 4})
    config.flow.update({"name": "glow", "options": ConfigDict({"levels": 1, "depth": 1})})
    return config


@pytest.fixture(scope="module")
def trained() -> tuple[Experiment, Inference, dict]:
    """RealNVP on the moons, its parameters moved off the identity, and a batch."""
    experiment = flows.build(plane(depth=1))
    params, extra = jax.jit(experiment.init)(jax.random.key(0))
    batch = load("moons", "test").take(np.arange(6))
    return experiment, Inference(jax.tree.map(lambda x: x + 0.05, params), extra), batch


def test_tasks_agree_with_each_other(trained):
    experiment, model, batch = trained
    key, x = jax.random.key(1), batch["x"]

    @jax.jit
    def run(model):
        z = experiment.encode(key, model, batch)
        again = experiment.decode(key, model, z)
        jacobian = jax.vmap(jax.jacfwd(lambda x: experiment.encode(key, model, {"x": x[None]})[0]))(x)
        density = jax.scipy.stats.norm.logpdf(z).sum(-1) + jnp.linalg.slogdet(jacobian)[1]
        seen = jnp.array([[True, False]])
        return again, experiment.log_prob(key, model, batch), density, experiment.impute(key, model, batch, seen)

    again, likelihood, density, imputed = run(model)
    np.testing.assert_allclose(again, x, atol=1e-5)
    np.testing.assert_allclose(likelihood.value, density, rtol=1e-4)
    assert likelihood.kind == "exact"
    np.testing.assert_array_equal(imputed[:, 0], x[:, 0])
    assert (np.asarray(imputed[:, 1]) != x[:, 1]).all()


def test_a_fresh_run_starts_from_data():
    """Activation normalisation gives each channel of training data zero mean and unit variance."""
    config = plane(depth=1)
    experiment = flows.build(config)
    state = initial_state(jax.random.key(0), experiment, ema=True)
    warm = experiment.warm_start(state, Path())
    rows = np.random.default_rng(config.train.seed).choice(50_000, likelihood.START, replace=False)
    x = load("moons").x[rows]
    norm = warm.params["model"][0][0]
    y = (x + norm["shift"]) * np.exp(norm["log_scale"]) if "shift" in norm else None
    assert y is not None, norm
    np.testing.assert_allclose(y.mean(0), 0.0, atol=1e-4)
    np.testing.assert_allclose(y.std(0), 1.0, atol=1e-3)
    jax.tree.map(np.testing.assert_array_equal, warm.ema, warm.params)


@pytest.mark.slow
def test_bytes_have_a_bound_of_their_probability():
    """With its parameters at the start a flow is known: actnorm and rotations of the logit of dequantised bytes."""
    experiment = flows.build(digits())
    model = Inference(*jax.jit(experiment.init)(jax.random.key(0)))
    batch = load("digits", "test").take(np.arange(4))
    likelihood = jax.jit(lambda key: experiment.log_prob(key, model, batch))(jax.random.key(1))
    assert likelihood.kind == "elbo"
    assert (np.asarray(likelihood.value) < 0).all()  # a probability of bytes
    z = jax.jit(lambda: experiment.encode(jax.random.key(0), model, batch))()
    x = jax.jit(lambda z: experiment.decode(jax.random.key(0), model, z))(z)
    np.testing.assert_allclose(x, to_float(jnp.asarray(batch["x"])), atol=1e-4)


def test_variational_dequantisation_starts_with_the_bound_of_the_uniform_one():
    """On average; its flow is then the identity, which draws uniformly, and its gradient is not zero."""
    config = digits()
    config.flow.options.depth = 1
    uniform = flows.build(config)
    config.dequantization.update({"name": "variational", "depth": 1, "components": 2})
    learned, batch = flows.build(config), load("digits", "test").take(np.arange(2))

    @jax.jit
    def run(keys):
        params, extra = learned.init(jax.random.key(0))
        own = {"model": params["model"]["flow"]}
        loss = lambda params: learned.players[0].objective(keys[0], params, extra, batch, 0)[0].value.mean()
        ours = jax.lax.map(lambda key: learned.log_prob(key, Inference(params, extra), batch), keys)
        theirs = jax.lax.map(lambda key: uniform.log_prob(key, Inference(own, extra), batch), keys)
        return ours, theirs, jax.grad(loss)(params)["model"]["offsets"]

    ours, theirs, slopes = run(jax.random.split(jax.random.key(1), 1000))
    assert ours.kind == theirs.kind == "elbo"
    difference = np.asarray(ours.value - theirs.value, np.float64)
    assert (np.abs(difference.mean(0)) < 4 * difference.std(0) / np.sqrt(1000)).all()
    assert (difference.std(0) > 0.05).all()
    assert max(float(jnp.abs(slope).max()) for slope in jax.tree.leaves(slopes)) > 1e-5


def test_the_reverse_divergence_falls():
    config = plane("planar", depth=2)
    config.objective = "reverse_kl"
    experiment = flows.build(config)
    params, extra = jax.jit(experiment.init)(jax.random.key(0))
    batch = load("moons").take(np.arange(64))

    @jax.jit
    def step(params, key):
        loss = lambda own: experiment.players[0].objective(key, {"model": own}, extra, batch, 0)[0].value.mean()
        value, gradient = jax.value_and_grad(loss)(params["model"])
        return {"model": jax.tree.map(lambda p, g: p - 0.05 * g, params["model"], gradient)}, value

    losses = []
    for number in range(40):
        params, value = step(params, jax.random.key(number))
        losses.append(float(value))
    assert np.mean(losses[-10:]) < np.mean(losses[:10]) - 0.1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.flow.update({"name": "real_nvq"}), "real_nvp"),
        (lambda c: c.flow.update({"options": ConfigDict({"depht": 2})}), "depht"),
        (
            lambda c: (c.data.update({"name": "digits"}), c.flow.update({"name": "glow", "options": {"levels": 5}})),
            "take fewer levels",
        ),
        (lambda c: c.update({"base": "norml"}), "normal"),
        (lambda c: c.flow.update({"name": "torus"}), "name config.base='uniform_angle' with it alone"),
        (lambda c: c.update({"objective": "reverse"}), "reverse_kl"),
        (lambda c: (c.update({"objective": "reverse_kl"}), c.data.update({"name": "diamonds"})), "toy density"),
        (lambda c: c.sample.update({"sampler": "euler"}), "prior"),
        (lambda c: c.update({"condition": ("label",)}), "has no field 'label'"),
        (lambda c: c.dequantization.update({"name": "variational"}), "config.dequantization is of images"),
        (lambda c: c.dequantization.update({"name": "variationl"}), "did you mean 'variational'"),
        (lambda c: c.train.update({"flip": True}), "config.train.flip=True has no meaning for data of vector"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(change, message):
    config = plane(depth=1)
    change(config)
    with pytest.raises(UserError, match=message):
        flows.build(config)


def test_sampling_refuses_what_a_flow_has_not(trained):
    experiment, model, _ = trained
    for option in ({"guidance": 2.0}, {"cond": {"label": jnp.zeros(2, jnp.int32)}}, {"steps": 5}):
        with pytest.raises(UserError):
            experiment.sample(jax.random.key(0), model, SampleRequest(2, **option))
