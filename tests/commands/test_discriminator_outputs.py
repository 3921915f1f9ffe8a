"""The outputs of a discriminator for its training images, for unseen ones, and for fakes."""

import jax
import numpy as np
import pytest
from ml_collections import ConfigDict

from experiments import gan, vae
from experiments.gan import discriminator_outputs, game
from genjax_models.core.errors import UserError
from genjax_models.data import load
from genjax_models.modalities.image import to_float
from genjax_models.training.experiment import initial_state


@pytest.fixture(scope="module")
def untrained():
    config = gan.get_config()
    config.generator = ConfigDict({"name": "genjax_models.nets.Perceptron", "widths": (16,)})
    config.discriminator = ConfigDict({"name": "genjax_models.nets.PerceptronDiscriminator", "widths": (16,)})
    return config, initial_state(jax.random.key(0), gan.build(config), ema=False)


def test_real_images_are_those_of_their_split_and_fakes_are_the_generators(untrained):
    config, state = untrained
    found = discriminator_outputs.logits(config, state, num=20, batch=8, seed=3)
    networks = game.make_parts(config).networks
    own = {"params": state.params["discriminator"]["net"]}
    for split in ("train", "test"):
        dataset = load("digits", split)
        rows = dataset.take(np.random.default_rng(3).permutation(dataset.size)[:16])  # whole batches
        expected, _ = networks.discriminate(own, to_float(rows["x"]), None)
        np.testing.assert_allclose(found[split], np.ravel(expected.logits), rtol=1e-4, atol=1e-5)
    assert {kind: len(values) for kind, values in found.items()} == {"train": 16, "test": 16, "fake": 16}
    silent = jax.tree.map(np.zeros_like, state.params["generator"])
    same = discriminator_outputs.logits(
        config, state.replace(params=state.params | {"generator": silent}), num=20, batch=8, seed=3
    )
    assert np.std(same["fake"]) < 1e-6 < np.std(found["fake"])  # a generator without weights has one image
    np.testing.assert_array_equal(same["test"], found["test"])


def test_the_summary_of_logits_that_are_known():
    found = {"train": np.array([3.0, 1.0]), "test": np.array([2.0, -1.0]), "fake": np.array([-2.0, -2.0])}
    result = discriminator_outputs.summary(found, "hinge")
    assert result["mean_logit"] == {"train": 2.0, "test": 0.5, "fake": -2.0}
    assert result["accuracy"] == {"train": 1.0, "test": 0.5, "fake": 1.0}
    assert result["overfitting"] == (2.0 - 0.5) / (2.0 + 2.0)
    assert "calibration_error" not in result
    assert discriminator_outputs.summary(found, "least_squares")["accuracy"] == {
        "train": 1.0,
        "test": 0.5,
        "fake": 1.0,
    }
    assert "accuracy" not in discriminator_outputs.summary(found, "wasserstein")
    sure = {"train": np.full(4, 50.0), "test": np.array([50.0, 50.0, 50.0, -50.0]), "fake": np.full(4, -50.0)}
    assert discriminator_outputs.summary(sure, "minimax")["calibration_error"] == pytest.approx(
        0.125
    )  # a quarter of one half


def test_what_cannot_be_asked_is_refused(untrained):
    config, state = untrained
    with pytest.raises(UserError, match="the test split has 296"):
        discriminator_outputs.logits(config, state, num=500, batch=100, seed=0)
    with pytest.raises(UserError, match="batch"):
        discriminator_outputs.logits(config, state, num=50, batch=100, seed=0)
    with pytest.raises(UserError, match="only GANs of"):
        discriminator_outputs.logits(vae.get_config(), state, num=50, batch=10, seed=0)
