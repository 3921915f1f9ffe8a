r"""Inception-v3 with the weights of the Fréchet Inception distance, from the file that the user gives.

The file is `pt_inception-2015-12-05-6726825d.pth` (https://github.com/mseitzer/pytorch-fid/releases), Google's graph
of 2015 converted for PyTorch. Preprocessing is that graph's: TensorFlow 1's bilinear resize to 299x299, which
samples at $y s$ where others sample at $(y + 1/2) s - 1/2$, then (byte - 128) / 128.
"""

from collections.abc import Callable
from pathlib import Path
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np

from genjax_models.core.errors import UserError
from genjax_models.core.trees import check_like
from genjax_models.core.types import Array, PyTree
from genjax_models.nets.feature.classifier import Features
from genjax_models.nets.feature.inception import InceptionV3
from genjax_models.pretrained.layouts import Arrays, folded_convolution
from genjax_models.pretrained.torch_checkpoint import load_state_dict

EPSILON = 1e-3
SIZE = 299


def load_inception_v3(path: str | Path) -> tuple[Callable[[PyTree, Array], Features], PyTree]:
    """The network with its preprocessing, and its weights.

    Args:
      path: of the published file.

    Returns:
      `apply(params, x)`, which takes bytes as floats, `[B, H, W, 3]` in 0 ... 255 of any size, to `Features` with 2048
      features and 1008 logits; and `params`.

    Raises:
      UserError: if the file is missing, damaged or another network's.
    """
    params = convert(path, load_state_dict(path))
    net = InceptionV3()

    def apply(params: PyTree, x: Array) -> Features:
        return cast(Features, net.apply({"params": params}, (resize_like_tensorflow1(x, SIZE) - 128.0) / 128.0))

    image = jax.ShapeDtypeStruct((1, SIZE, SIZE, 3), jnp.float32)
    check_like(path, params, jax.eval_shape(net.init, jax.random.key(0), image)["params"])
    return apply, params


def convert(path: str | Path, arrays: Arrays) -> PyTree:
    """The published state dictionary as parameters of `InceptionV3`."""
    params: PyTree = {}
    try:
        for name in arrays:
            if name.endswith(".conv.weight"):
                layer = name.removesuffix(".conv.weight")
                *block, last = layer.split(".")
                branch = params.setdefault(block[0], {}) if block else params
                branch[last] = folded_convolution(arrays, f"{layer}.conv", f"{layer}.bn", epsilon=EPSILON)
        params["fc"] = {"kernel": arrays["fc.weight"].T}
    except KeyError as error:
        raise UserError(f"{path} is no Inception-v3: it lacks {error.args[0]}") from None
    return params


def resize_like_tensorflow1(x: Array, size: int) -> Array:
    """Bilinear interpolation as `tf.image.resize_bilinear` of TensorFlow 1: no half-pixel centres, no smoothing.

    Args:
      x: `[B, H, W, C]`.
      size: height and width of the result.

    Returns:
      `[B, size, size, C]`.
    """
    rows, columns = (_interpolation(length, size) for length in x.shape[1:3])
    return jnp.einsum("yh,bhwc,xw->byxc", rows, x, columns, precision="highest")


def _interpolation(length: int, size: int) -> np.ndarray:
    """`[size, length]`: row i weighs the two pixels around position i * length / size, rounded as TensorFlow does."""
    position = np.arange(size, dtype=np.float32) * np.float32(length / size)
    lower = np.floor(position).astype(int)
    upper = np.minimum(lower + 1, length - 1)
    weights = np.zeros((size, length), np.float32)
    np.add.at(weights, (np.arange(size), lower), 1 - (position - lower))
    np.add.at(weights, (np.arange(size), upper), position - lower)
    return weights
