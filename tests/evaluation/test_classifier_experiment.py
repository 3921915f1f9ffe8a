"""The experiment that trains the embedded feature nets, and the export that writes them."""

import json
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.classifier import clean as classifier
from experiments.config.networks import build_network
from experiments.config.variants import with_variant
from genjax_models.core.errors import UserError
from genjax_models.data import load
from genjax_models.evaluation.features import load_classifier


@pytest.fixture(scope="module")
def small():
    config = classifier.get_config()
    config.net.update({"widths": (8, 16), "features": 8})
    return config


@pytest.fixture(scope="module")
def batch():
    return load("digits", "test").take(np.arange(6))


def test_shifts_are_windows_of_the_padded_image(batch):
    x, pixels = batch["x"], 2
    shifted = np.asarray(classifier.random_shift(jax.random.key(0), jnp.asarray(x), pixels))
    padded = np.pad(x, [(0, 0), (pixels, pixels), (pixels, pixels), (0, 0)])
    for image, original in zip(shifted, padded, strict=True):
        windows = [original[i : i + 8, j : j + 8] for i in range(5) for j in range(5)]
        assert any(np.array_equal(image, window) for window in windows)
    assert not np.array_equal(shifted, x)
    np.testing.assert_array_equal(classifier.random_shift(jax.random.key(0), jnp.asarray(x), 0), x)
    white = classifier.random_shift(jax.random.key(0), jnp.full((6, 8, 8, 3), 255, jnp.uint8), pixels, fill=255)
    assert (np.asarray(white) == 255).all()


def test_the_loss_is_the_cross_entropy_of_each_example(small, batch):
    experiment = classifier.build(small)
    params, extra = experiment.init(jax.random.key(0))
    scores = experiment.validate(jax.random.key(1), experiment.finalize(params, extra), batch)
    net = build_network("net", small.net, num_classes=10)
    logits = net.apply({"params": params["model"]}, (batch["x"] + 0.5) / 128 - 1).logits
    log_p = np.asarray(logits) - np.log(np.exp(np.asarray(logits)).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(scores["loss"], -log_p[np.arange(6), batch["label"]], rtol=1e-5)
    np.testing.assert_array_equal(scores["accuracy"], log_p.argmax(axis=1) == batch["label"])
    output, _ = experiment.players[0].objective(jax.random.key(2), params, extra, batch, 0)
    assert output.value.shape == output.aux["accuracy"].shape == (6,)


def test_unknown_variants_are_refused(small):
    with pytest.raises(UserError, match="variant 'tiny' is unknown"):
        with_variant(small, "tiny")


@pytest.mark.slow
def test_the_commands_train_and_export_a_feature_net(tmp_path):
    run = lambda module, *flags: subprocess.run(
        [sys.executable, "-m", module, "--config=configs/classifier/digits.py:smoke", f"--workdir={tmp_path}", *flags],
        check=True,
        capture_output=True,
        text=True,
    )
    run("experiments.train")
    out = tmp_path / "net.safetensors"
    printed = run("experiments.export", f"--out={out}").stdout
    net, test = load_classifier("mine", out), load("digits", "test")
    accuracy = (net(test.x).logits.argmax(axis=1) == test.label).mean()
    assert float(net.metadata["test_accuracy"]) == pytest.approx(accuracy, abs=1e-4)
    assert json.loads(printed.splitlines()[0])["num_test"] == "296"
