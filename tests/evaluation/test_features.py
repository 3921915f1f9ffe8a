"""Feature nets: batching, bytes, the embedded weights, and what bad input gets."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from genjax_models.core.errors import UserError
from genjax_models.data import load
from genjax_models.evaluation import FeatureNet, Features, load_feature_net
from genjax_models.evaluation.features import EMBEDDED, WEIGHTS, load_classifier
from genjax_models.modalities.image import to_float
from genjax_models.nets.feature.classifier import Classifier, max_pool_2x2
from genjax_models.pretrained import load_tree, save_tree


def counting_net(batch_size):
    """Features that name the image they belong to, and a count of compilations."""
    traces = []

    def apply(params, x):
        traces.append(x.shape)
        flat = x.reshape(len(x), -1)
        return Features(flat * params, flat.sum(axis=1, keepdims=True))

    return FeatureNet("counting", apply, jnp.float32(2), (2, 2, 1), batch_size), traces


@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
def test_batching_changes_nothing_and_compiles_once(batch_size):
    net, traces = counting_net(batch_size)
    images = np.random.default_rng(0).integers(0, 256, size=(7, 2, 2, 1), dtype=np.uint8)
    output = net(images)
    np.testing.assert_array_equal(output.features, 2.0 * images.reshape(7, 4))
    np.testing.assert_array_equal(output.logits[:, 0], images.reshape(7, 4).sum(axis=1))
    net(images[:2])
    assert traces == [(batch_size, 2, 2, 1)]


def test_floats_and_bytes_give_the_same_features():
    net, _ = counting_net(256)
    images = np.arange(256, dtype=np.uint8).reshape(64, 2, 2, 1)
    np.testing.assert_array_equal(net(images).features, net(np.asarray(to_float(jnp.asarray(images)))).features)
    beyond = np.array([-3.0, -1.0, 1.0, 3.0], np.float32).reshape(1, 2, 2, 1)
    np.testing.assert_array_equal(net(beyond).features, [[0, 0, 510, 510]])


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint16, np.float32, np.float64])
def test_bytes_in_another_type_are_refused(dtype):
    net, _ = counting_net(256)
    with pytest.raises(UserError, match=r"measures bytes \(uint8\) or floats in \[-1, 1\], got whole numbers as"):
        net(np.arange(256).reshape(64, 2, 2, 1).astype(dtype))


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.zeros((0, 2, 2, 1)), "N at least 1"),
        (np.zeros((3, 2, 2)), "N at least 1"),
        (np.zeros((3, 4, 4, 1)), "choose another feature net"),
        (np.zeros((3, 2, 2, 3)), "choose another feature net"),
        (np.full((3, 2, 2, 1), np.nan), "not finite"),
    ],
)
def test_images_that_do_not_fit_are_refused(images, words):
    with pytest.raises(UserError, match=words):
        counting_net(3)[0](images)


@pytest.mark.parametrize("name", EMBEDDED)
def test_embedded_weights_are_small_and_say_how_good_they_are(name):
    assert (WEIGHTS / f"{name}.safetensors").stat().st_size < 1_000_000
    metadata = load_feature_net(name).metadata
    required = {"digits": 0.97, "mnist": 0.98, "fashion_mnist": 0.90, "emoji_32": 0.72}[name]
    assert float(metadata["test_accuracy"]) >= required
    num_test = {"digits": 296, "mnist": 1000, "fashion_mnist": 10_000, "emoji_32": 312}
    assert int(metadata["num_test"]) == num_test[name]
    assert json.loads(metadata["config"])["data"]["name"].startswith(name)


def test_the_digits_net_classifies_as_its_metadata_say():
    net, test = load_feature_net("digits"), load("digits", "test")
    output = net(test.x)
    assert output.features.shape == (296, 64)
    accuracy = (output.logits.argmax(axis=1) == test.label).mean()
    assert accuracy == pytest.approx(float(net.metadata["test_accuracy"]), abs=1e-4)


def test_unknown_names_and_missing_weights_are_refused(tmp_path):
    with pytest.raises(UserError, match="choose one of digits, mnist, fashion_mnist, emoji_32, efficientnet_lite0"):
        load_feature_net("alexnet")
    with pytest.raises(UserError, match="inception_v3 needs path"):
        load_feature_net("inception_v3")
    with pytest.raises(UserError, match="does not exist"):
        load_feature_net("inception_v3", path=tmp_path / "absent.pth")
    with pytest.raises(UserError, match="does not exist"):
        load_feature_net("digits", path=tmp_path / "absent.safetensors")


def test_weights_of_another_network_are_refused(tmp_path):
    params, metadata = load_tree(WEIGHTS / "digits.safetensors")
    save_tree(tmp_path / "silent.safetensors", params)
    with pytest.raises(UserError, match="does not say which classifier"):
        load_classifier("digits", tmp_path / "silent.safetensors")
    params["logits"]["bias"] = np.zeros(11, np.float32)
    save_tree(tmp_path / "other.safetensors", params, metadata)
    with pytest.raises(UserError, match=r"logits/bias has the shape \(11,\), expected \(10,\)"):
        load_classifier("digits", tmp_path / "other.safetensors")


def test_the_classifier_treats_images_one_by_one():
    net = Classifier(num_classes=3, widths=(8, 16), features=5)
    x = jax.random.normal(jax.random.key(0), (4, 8, 8, 1))
    params = net.init(jax.random.key(1), x)
    together = net.apply(params, x)
    assert together.features.shape == (4, 5)
    assert together.logits.shape == (4, 3)
    alone = [net.apply(params, x[i : i + 1]) for i in range(4)]
    np.testing.assert_allclose(together.logits, np.concatenate([a.logits for a in alone]), atol=1e-5)


def test_pooling_takes_the_maxima_of_windows():
    x = np.random.default_rng(0).normal(size=(2, 5, 7, 3)).astype(np.float32)
    pooled = max_pool_2x2(jnp.asarray(x))
    assert pooled.shape == (2, 2, 3, 3)
    for i in range(2):
        for j in range(3):
            np.testing.assert_array_equal(pooled[:, i, j], x[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].max(axis=(1, 2)))
