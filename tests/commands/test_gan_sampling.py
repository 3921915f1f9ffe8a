"""What a GAN samples with: standing statistics, truncation, projection back into its latent space."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_gans import BATCH, DCGAN, STYLEGAN2, config_of, start, step_of

from experiments.gan import game
from experiments.run.command import build_experiment
from genjax_models.data import batches, load
from genjax_models.training import SampleRequest


@pytest.fixture(scope="module")
def batch():
    return next(batches(load("digits"), BATCH, seed=0))


def test_a_sample_does_not_see_its_neighbours(batch):
    """With the batch's own moments it would."""
    experiment = build_experiment(config_of(DCGAN))
    state, _ = step_of(experiment)(start(experiment), batch)
    model = jax.jit(experiment.finalize)(state.params, state.extra)
    z = jax.random.normal(jax.random.key(2), (4, 6))
    decode = jax.jit(lambda z: experiment.decode(jax.random.key(0), model, z))
    np.testing.assert_allclose(decode(z)[:2], decode(jnp.concatenate([z[:2], 3 * z[2:]]))[:2], atol=1e-6)


def test_standing_statistics_are_those_of_the_prior():
    """A batch norm above a known linear map of z: its moments are known too."""
    config = config_of({"generator": {"name": "genjax_models.nets.DCGANGenerator", "channels": (8,)}})
    experiment = build_experiment(config)
    params, extra = experiment.init(jax.random.key(0))
    dense = params["generator"]["net"]["in"]
    kernel = np.asarray(dense["kernel"]).reshape(6, -1, 8)  # z is standard normal
    variance = (kernel**2).sum(axis=0).mean(axis=0)
    statistics = experiment.finalize(params, extra).extra["generation"]["variables"]["batch_stats"]["norm_0"]["moments"]
    np.testing.assert_allclose(statistics["var"], variance, rtol=0.15)
    np.testing.assert_allclose(statistics["mean"], np.zeros(8), atol=0.1 * np.sqrt(variance.max()))


def test_truncation_draws_within_its_bounds():
    config = config_of({"generator": {"name": "genjax_models.nets.Perceptron", "widths": ()}})
    config.sample.truncation = 0.3
    experiment = build_experiment(config)
    params, extra = experiment.init(jax.random.key(0))
    params["generator"]["net"]["out"]["bias"] = jnp.zeros(64)
    model = experiment.finalize(params, extra)
    kernel = np.asarray(params["generator"]["net"]["out"]["kernel"])
    for sampler, within in {"prior": False, "truncated": True}.items():
        x = experiment.sample(jax.random.key(3), model, SampleRequest(64, sampler=sampler)).reshape(64, 64)
        z = np.linalg.lstsq(kernel.T, np.asarray(x).T, rcond=None)[0]
        assert (np.abs(z) <= 0.301).all() == within


def test_projection_finds_what_the_generator_made():
    config = config_of({"generator": {"name": "genjax_models.nets.Perceptron", "widths": ()}})
    config.data.name = "moons"
    experiment = build_experiment(config)
    model = experiment.finalize(*experiment.init(jax.random.key(0)))
    x = experiment.sample(jax.random.key(1), model, SampleRequest(5))
    z = jax.jit(experiment.encode)(jax.random.key(2), model, {"x": x})
    np.testing.assert_allclose(experiment.decode(jax.random.key(0), model, z), x, atol=0.02)


@pytest.mark.slow
def test_truncated_styles_lie_between_the_mean_style_and_the_prior(batch):
    """A psi of 0 is the mean style itself, whatever z is; of 1 the prior."""
    config = config_of(STYLEGAN2)
    model = build_experiment(config).finalize(*build_experiment(config).init(jax.random.key(0)))
    images = {}
    for psi in (0.0, 0.5, 1.0):
        config.sample.truncation = psi
        request = SampleRequest(4, sampler="truncated")
        images[psi] = jax.jit(build_experiment(config).sample)(jax.random.key(1), model, request)
    networks, generator = game.make_parts(config).networks, model.extra["generation"]
    mean = jnp.broadcast_to(generator["mean_style"], (4, *generator["mean_style"].shape))
    noise = jax.random.split(jax.random.key(1))[1]
    np.testing.assert_allclose(images[0.0], networks.synthesize(generator["variables"], mean, key=noise), atol=1e-5)
    prior = jax.jit(build_experiment(config).sample)(jax.random.key(1), model, SampleRequest(4))
    np.testing.assert_allclose(images[1.0], prior, atol=1e-5)
    assert np.abs(images[0.5] - images[0.0]).mean() < np.abs(images[1.0] - images[0.0]).mean()
