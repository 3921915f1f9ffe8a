"""Inception-v3 of the Fréchet Inception distance against torch-fidelity's, with copied random weights."""

import importlib
import importlib.util
import sys
import types

import jax
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from genjax_models.evaluation.features import load_feature_net  # noqa: E402
from genjax_models.pretrained.inception import resize_like_tensorflow1  # noqa: E402

pytestmark = pytest.mark.parity


@pytest.fixture(scope="module")
def fidelity():
    """A function that imports a module of torch-fidelity; its package file would want torchvision, they do not."""
    spec = importlib.util.find_spec("torch_fidelity")
    if spec is None:
        pytest.skip("needs torch-fidelity (pip install --no-deps torch-fidelity)")
    package = types.ModuleType("torch_fidelity")
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules["torch_fidelity"] = package
    return lambda name: importlib.import_module(f"torch_fidelity.{name}")


@pytest.fixture(scope="module")
def random_weights(fidelity, tmp_path_factory):
    """A file in the published layout: every array random, batch norms included."""
    module = fidelity("feature_extractor_inceptionv3")
    layout = module.FeatureExtractorInceptionV3.__new__(module.FeatureExtractorInceptionV3)
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    generator = torch.Generator().manual_seed(0)

    def randomise(module, *_):
        for name, value in module.state_dict().items():
            if name.endswith("running_var") or name.endswith("bn.weight"):
                value.copy_(0.5 + torch.rand(value.shape, generator=generator))
            elif value.ndim > 1:
                value.copy_(torch.randn(value.shape, generator=generator) * (2 / value[0].numel()) ** 0.5)
            elif value.is_floating_point():
                value.copy_(0.1 * torch.randn(value.shape, generator=generator))
        torch.save(module.state_dict(), path)

    original, module.FeatureExtractorInceptionV3.load_state_dict = layout.load_state_dict, randomise
    try:
        torch.save({}, path)
        module.FeatureExtractorInceptionV3("random", ["2048"], feature_extractor_weights_path=str(path))
    finally:
        del module.FeatureExtractorInceptionV3.load_state_dict
    assert layout.load_state_dict.__func__ is original.__func__
    return path


def test_features_and_logits_agree(fidelity, random_weights):
    extractor = fidelity("feature_extractor_inceptionv3").FeatureExtractorInceptionV3
    theirs = extractor("random", ["2048", "logits_unbiased"], feature_extractor_weights_path=str(random_weights))
    images = np.random.default_rng(0).integers(0, 256, size=(2, 32, 48, 3), dtype=np.uint8)
    features, logits = theirs(torch.from_numpy(images).permute(0, 3, 1, 2))
    ours = load_feature_net("inception_v3", path=random_weights, batch_size=2)(images)
    scale = float(features.abs().mean())
    np.testing.assert_allclose(ours.features, features.numpy(), rtol=1e-3, atol=1e-4 * scale)
    np.testing.assert_allclose(ours.logits, logits.numpy(), rtol=1e-3, atol=1e-3 * float(logits.abs().mean()))


@pytest.mark.parametrize("shape", [(32, 32), (7, 50), (299, 299), (400, 333)])
def test_resizing_agrees(fidelity, shape):
    resize = fidelity("interpolate_compat_tensorflow").interpolate_bilinear_2d_like_tensorflow1x
    images = np.random.default_rng(1).uniform(0, 255, size=(2, *shape, 3)).astype(np.float32)
    theirs = resize(torch.from_numpy(images).permute(0, 3, 1, 2), size=(299, 299), align_corners=False)
    ours = jax.jit(resize_like_tensorflow1, static_argnums=1)(images, 299)
    np.testing.assert_allclose(ours, theirs.permute(0, 2, 3, 1).numpy(), atol=1e-3)
