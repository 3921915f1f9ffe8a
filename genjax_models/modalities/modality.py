"""What a kind of data means to a model and to a user: its range, its picture, its file formats."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key
from genjax_models.data.spec import Field

Writer = Callable[[np.ndarray, Path, Field], None]
"""`(stored values [N, ...], file, their field) -> None` writes one file; its folder is there."""


def unchanged(x: Array) -> Array:
    """Values that a model takes as they are stored."""
    return x


class Modality(NamedTuple):
    """A kind of data. Stored values are those of a data set, bytes for images; model values are what a network sees.

    Attributes:
      name: the kind of a field, see `data.spec.KINDS`.
      formats: `field -> {ending: writer}`, the files that samples of this field can be written to.
      preview: the ending of the format that shows samples while training, and `preview_num` how many it shows.
      to_model: stored values `[B, ...]` -> model values.
      dequantize: the same, with uniform noise within the interval of each stored value; `None` for data that are real
        numbers or tokens.
      to_stored: model values `[B, ...]` -> stored values.
      clip: brings samples back into the range of data, where data have one.
      mirror: `(key, stored values) -> stored values`, mirrored at random; `None` where that has no meaning.
      path_formats: as `formats`, of a path `[T, N, ...]` from noise to data.
      features: whether the feature networks of `evaluation` measure it.
    """

    name: str
    formats: Callable[[Field], Mapping[str, Writer]]
    preview: str
    preview_num: int
    to_model: Callable[[Array], Array] = unchanged
    dequantize: Callable[[Key, Array], Array] | None = None
    to_stored: Callable[[Array], Array] = unchanged
    clip: Callable[[Array], Array] = unchanged
    mirror: Callable[[Key, Array], Array] | None = None
    path_formats: Mapping[str, Writer] = {}
    features: bool = False

    def writer(self, path: Path, field: Field, *, of_path: bool = False) -> Writer:
        """What writes samples of a field, or a path of them, to a file with this ending.

        Raises:
          UserError: if this modality has no such format; the line names those that it has.
        """
        samples = self.formats(field)
        formats = self.path_formats if of_path else samples
        if path.suffix not in formats:
            able = ", ".join(dict.fromkeys([*samples, *self.path_formats])) or "none"
            raise UserError(f"{path}: {self.name} data of shape {field.shape} are written to {able}")
        return formats[path.suffix]


def write_arrays(stored: np.ndarray, path: Path, field: Field) -> None:
    """The values as they are, compressed, under the plural of their kind."""
    np.savez_compressed(path, **{field.kind if field.kind.endswith("s") else f"{field.kind}s": stored})
