"""Views of a latent space: what stands where in their pictures."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from experiments import gan, latents, vae
from experiments.gan import game
from genjax_models.core.errors import UserError
from genjax_models.data import load
from genjax_models.modalities.image import to_uint8
from genjax_models.training.experiment import initial_state

NUM = 3


def untrained(config):
    experiment = (gan if config.experiment == gan.__name__ else vae).build(config)
    state = initial_state(jax.random.key(1), experiment, ema=False)
    return experiment, experiment.finalize(state.params, state.extra)


def styled():
    config = gan.get_config()
    small = {"channels": 4, "max_channels": 8}
    config.generator = ConfigDict({"name": "genjax_models.nets.StyleGAN2", "style_features": 8, **small})
    config.discriminator = ConfigDict({"name": "genjax_models.nets.StyleGAN2Discriminator", **small})
    return config


def test_mixtures_have_the_coarse_styles_of_their_column_and_the_fine_ones_of_their_row():
    config = styled()
    experiment, model = untrained(config)
    networks, variables = game.make_parts(config).networks, model.extra["generation"]["variables"]
    z = networks.prior(jax.random.key(0), 2 * NUM)
    w = networks.styles(variables, z, None)
    draw = jax.jit(lambda w: to_uint8(networks.synthesize(variables, w)))
    coarse, fine = w[:NUM], w[NUM:]

    grid = latents.mix(config, experiment, model, num=NUM, seed=0).reshape(NUM + 1, NUM + 1, 8, 8, 1)
    assert (grid[0, 0] == 255).all()
    close = lambda a, b: np.testing.assert_allclose(a.astype(int), b.astype(int), atol=1)
    close(grid[0, 1:], draw(coarse))
    close(grid[1:, 0], draw(fine))
    half = w.shape[1] // 2
    for row in range(NUM):
        mixed = jnp.concatenate([coarse[:, :half], jnp.broadcast_to(fine[row, half:], coarse[:, half:].shape)], axis=1)
        close(grid[row + 1, 1:], draw(mixed))
    with pytest.raises(UserError, match="must lie between 1 and"):
        latents.mix(config, experiment, model, num=NUM, seed=0, crossover=w.shape[1])


def test_images_stand_over_their_reconstructions(capsys):
    config = vae.get_config()
    experiment, model = untrained(config)
    shown = latents.reconstruct(config, experiment, model, num=NUM, seed=0)
    test = load("digits", "test").take(np.arange(NUM))["x"]
    np.testing.assert_array_equal(shown[:NUM], test)
    errors = np.sqrt(np.square((shown[NUM:].astype(float) - test) / 127.5).mean(axis=(1, 2, 3)))
    printed = [
        float(word.rstrip(";")) for word in capsys.readouterr().out.split(": ")[1].split("; mean")[0].split(", ")
    ]
    np.testing.assert_allclose(printed, errors, atol=5e-3)


def test_a_path_has_a_row_for_each_pair_and_ends_at_their_reconstructions():
    config = vae.get_config()
    experiment, model = untrained(config)
    path = latents.between(config, experiment, model, num=NUM, seed=0).reshape(NUM, NUM, 8, 8, 1)
    keys = jax.random.split(jax.random.key(0), 3)
    for end, key, start in ((0, keys[0], 0), (-1, keys[1], NUM)):
        z = experiment.encode(key, model, load("digits", "test").take(np.arange(NUM) + start))
        expected = np.asarray(to_uint8(experiment.decode(keys[2], model, z)))
        np.testing.assert_allclose(path[:, end].astype(int), expected.astype(int), atol=1)


def test_only_styles_can_be_mixed():
    config = vae.get_config()
    with pytest.raises(UserError, match="only generators with styles"):
        latents.mix(config, *untrained(config), num=NUM, seed=0)
