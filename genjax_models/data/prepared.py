"""Reads sets of images, vectors or other arrays that TFDS has prepared (in array_record format), without TensorFlow.

A small set is decoded once and kept beside its records as `memory_<split>.npz`, so that the next start takes
a fraction of a second and does not even import TFDS. That file carries a fingerprint of the records it came
from, and its members are check-summed: a stale or damaged one is noticed, and made anew.
"""

import hashlib
import io
import json
import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from absl import logging

from genjax_models.core.errors import UserError
from genjax_models.core.optional import MissingPackageError, optional
from genjax_models.data import spec as specs
from genjax_models.data.arrays import ArrayDataset
from genjax_models.data.spec import DataSpec, Field

MEMORY_LIMIT = 4 * 2**30
"""Bytes of decoded examples up to which `load` reads a set into memory."""

_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def default_data_dir() -> Path:
    """Where TFDS keeps prepared sets: `$TFDS_DATA_DIR`, or `~/tensorflow_datasets`."""
    return Path(os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets")).expanduser()


def find_prepared(name: str, data_dir: str | os.PathLike | None = None) -> Path | None:
    """The folder of the newest prepared version of `name` (`set` or `set/config`), or `None`."""
    root = Path(data_dir).expanduser() if data_dir else default_data_dir()
    folders = [file.parent for file in (root / name).glob("*/dataset_info.json")]
    numbers = lambda folder: [int(part) for part in folder.name.split(".") if part.isdigit()]
    return max(folders, key=numbers, default=None)


class PreparedSource(ABC):
    """One split of a prepared set that stays on disk.

    Attributes:
      name: of the set.
      split: of the set.
      spec: its fields, the modelled one and `label` where the set has classes; a size that differs from example to
        example is `None`.
    """

    spec: DataSpec

    def __init__(self, name: str, split: str, folder: Path):
        with optional("data"):
            import tensorflow_datasets as tfds  # noqa: PLC0415 - takes a second, which most runs need not pay

        self.name, self.split, self._folder = name, split, folder
        try:
            builder = tfds.builder_from_directory(folder)
        except Exception as error:  # TFDS, protobuf and JSON each raise their own
            raise UserError(f"data set {name} is damaged: {repair(name, folder)}") from error
        if split not in builder.info.splits:
            known = ", ".join(builder.info.splits)
            raise UserError(f"data set {name} has no split '{split}': choose one of {known}")
        self._features = dict(builder.info.features.items())
        images = [key for key, kind in self._features.items() if isinstance(kind, tfds.features.Image)]
        try:  # images are decoded here
            self._records: Any = builder.as_data_source(
                split, decoders=dict.fromkeys(images, tfds.decode.SkipDecoding())
            )
        except (NotImplementedError, ValueError) as error:
            raise UserError(f"data set {name} is not in array_record format: {repair(name, folder)}") from error
        self._images = images
        kind = self._features.get("label")
        self._labels: dict[str, Field] = {}
        if isinstance(kind, tfds.features.ClassLabel):
            self._labels["label"] = specs.label(kind.num_classes)

    @property
    def size(self) -> int:
        """The number of examples."""
        return len(self._records)

    def take(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Reads and decodes the examples `rows` `[B]`: an array `[B, ...]` for each field of the spec.

        Raises:
          UserError: if a record cannot be read or decoded, or examples differ in shape.
        """
        try:
            examples = self._records.__getitems__([int(row) for row in rows])
            decoded = [self._decode(example) for example in examples]
        except MissingPackageError:
            raise
        except Exception as error:  # the record reader, protobuf and pillow each raise their own
            reason = str(error).split("\n", maxsplit=1)[0]
            raise UserError(f"data set {self.name} is damaged ({reason}): {repair(self.name, self._folder)}") from error
        if len({x.shape for x in decoded}) > 1:
            raise UserError(f"the images of {self.name} differ in shape: stream them with side=...")
        labels = {name: np.array([example[name] for example in examples], np.int32) for name in self._labels}
        return {"x": np.stack(decoded), **labels}

    @abstractmethod
    def _decode(self, example: dict[str, Any]) -> np.ndarray:
        """The `x` of one example."""


class ImageSource(PreparedSource):
    """One split of a prepared image set, `uint8` `[H, W, C]`: give it to `batches` with `threads=`."""

    def __init__(self, name: str, split: str, folder: Path, side: int | None = None):
        super().__init__(name, split, folder)
        if len(self._images) != 1:
            raise UserError(
                f"data set {name} has {len(self._images)} image features, expected one: {list(self._features)}"
            )
        self._side = side
        height, width, channels = self._features[self._images[0]].shape
        x = specs.image(side, side, channels) if side else specs.image(height, width, channels)
        self.spec = DataSpec(name, {"x": x, **self._labels})

    def _decode(self, example: dict[str, Any]) -> np.ndarray:
        with optional("data"):
            from PIL import Image, ImageOps  # noqa: PLC0415

        channels = self.spec.shape[-1] or 3
        image = Image.open(io.BytesIO(example[self._images[0]])).convert(_MODES[channels])
        if self._side:  # the largest centred square, filtered and scaled down
            image = ImageOps.fit(image, (self._side, self._side), Image.Resampling.BICUBIC)
        return np.asarray(image).reshape(image.height, image.width, channels)


class VectorSource(PreparedSource):
    """One split of a prepared set of vectors: its feature `x`, `[D]`, as it is."""

    def __init__(self, name: str, split: str, folder: Path):
        super().__init__(name, split, folder)
        if "x" not in self._features:
            found = ", ".join(self._features)
            raise UserError(f"data set {name} has features {found}, expected x: {repair(name, folder)}")
        x = Field("vector", self._features["x"].shape, np.dtype(self._features["x"].np_dtype).name)
        self.spec = DataSpec(name, {"x": x, **self._labels})

    def _decode(self, example: dict[str, Any]) -> np.ndarray:
        return example["x"]


def read_into_memory(name: str, split: str, folder: Path, kind: type[PreparedSource] = ImageSource) -> ArrayDataset:
    """Reads one split of the prepared set in `folder` as arrays, of the source's dtype.

    Args:
      name: of the set.
      split: of the set.
      folder: as `find_prepared` gives it.
      kind: what its records are: `ImageSource`, `VectorSource` or another.

    Raises:
      UserError: if the set has no such split, is damaged, or is no set of equal examples that fits into memory.
    """
    cache = folder / f"memory_{split}.npz"
    now = fingerprint(folder)
    if cache.exists():
        try:
            return _read_cache(cache, name, split, now)
        except Exception as error:  # a damaged zip file raises whatever its bytes lead to
            logging.warning("%s is stale or damaged (%s): decoding the set again", cache, error)
    source = kind(name, split, folder)
    spec = source.spec
    if None in spec.shape or source.size * np.prod(spec.shape) * np.dtype(spec.field.dtype).itemsize > MEMORY_LIMIT:
        raise UserError(
            f"data set {name} does not fit into memory as arrays of one shape: "
            "stream it with genjax_models.data.stream(name, split, side=...)"
        )
    fields = {key: np.empty((source.size, *field.shape), field.dtype) for key, field in spec.fields.items()}
    for rows in np.array_split(np.arange(source.size), source.size // 4096 + 1):
        for key, values in source.take(rows).items():
            fields[key][rows] = values
    dataset = ArrayDataset(spec, split, fields)
    _write_cache(cache, dataset, now)
    return dataset


def repair(name: str, folder: Path) -> str:
    """What to do about a damaged set, for the end of a message."""
    return f"delete {folder} and run `python -m genjax_models.data fetch {name}`"


def fingerprint(folder: Path) -> str:
    """Changes whenever a file of the prepared set does; costs no reading of the records."""
    files = sorted(path for path in folder.iterdir() if not path.name.startswith(("memory_", ".")))
    stats = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return hashlib.sha256(repr(stats).encode()).hexdigest()


def _read_cache(cache: Path, name: str, split: str, expected: str) -> ArrayDataset:
    with np.load(cache, allow_pickle=False) as arrays:  # checks the CRC of each member it reads
        if str(arrays["fingerprint"]) != expected:
            raise ValueError("the prepared set has changed since")
        fields = {}
        for key, values in json.loads(str(arrays["spec"])).items():
            fields[key] = Field(**values | {"shape": tuple(values["shape"]), "names": tuple(values["names"])})
        return ArrayDataset(DataSpec(name, fields), split, {key: arrays[f"field_{key}"] for key in fields})


def _write_cache(cache: Path, dataset: ArrayDataset, now: str) -> None:
    spec = json.dumps({key: field._asdict() for key, field in dataset.spec.fields.items()})
    fields = {f"field_{key}": values for key, values in dataset.fields.items()}
    write_aside(cache, {"spec": spec, "fingerprint": now, **fields})


def write_aside(cache: Path, arrays: Mapping[str, Any]) -> None:
    """Writes an `.npz` file aside and renames it: no reader ever sees half of it; a read-only folder is no fault."""
    try:
        with tempfile.TemporaryDirectory(dir=cache.parent, prefix=".memory_") as scratch:
            file = Path(scratch, cache.name)
            np.savez(file, **arrays)
            file.replace(cache)
    except OSError as error:
        logging.warning("%s was not written (%s): the next start makes it again", cache, error)
