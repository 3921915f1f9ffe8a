"""What a kind of data means to a model and to a user: its range, its picture, its file formats."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from genjax_models.core.arrays import at_least_float32
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Key
from genjax_models.data.spec import Field

Writer = Callable[[np.ndarray, Path, Field], None]
"""`(stored values [N, ...], file, their field) -> None` writes one file; its folder is there."""

Formats = Callable[[Field], Mapping[str, Writer]]
"""`field -> {ending: writer}`, the files that values of this field can be written to."""


def unchanged(x: Array) -> Array:
    """Values that a model takes as they are stored."""
    return x


def no_formats(field: Field) -> Mapping[str, Writer]:
    """For what no file format shows."""
    return {}


def dimension(field: Field) -> str:
    """The unit of a likelihood where every number of an example counts as one."""
    return "dim"


def clip(x: Array) -> Array:
    """Samples clipped to [-1, 1], in their own dtype; what has overflowed, or is about to, is NaN and not an end."""
    there = jnp.isfinite(jnp.square(at_least_float32(x)))
    return jnp.where(there, jnp.clip(x, -1.0, 1.0), jnp.nan).astype(x.dtype)


class Modality(NamedTuple):
    """A kind of data. Stored values are those of a data set, bytes for images; model values are what a network sees.

    Attributes:
      name: the kind of a field, see `data.spec.KINDS`.
      formats: of samples `[N, ...]` of a field; the first shows them to a person, `.npz` is the last.
      preview_num: how many samples are shown while training.
      to_model: stored values `[B, ...]` -> model values.
      dequantize: the same, with uniform noise within the interval of each stored value; `None` for data that are real
        numbers or tokens.
      to_stored: model values `[B, ...]` -> stored values.
      clip: brings samples back into the range of data, where data have one.
      mirror: `(key, stored values) -> stored values`, mirrored at random; `None` where that has no meaning.
      path_formats: of a path `[T, N, ...]` from noise to data.
      unit: `field -> name` of one number of an example, that likelihoods are shown by: `dim` as in bits/dim.
    """

    name: str
    formats: Formats
    preview_num: int
    to_model: Callable[[Array], Array] = unchanged
    dequantize: Callable[[Key, Array], Array] | None = None
    to_stored: Callable[[Array], Array] = unchanged
    clip: Callable[[Array], Array] = unchanged
    mirror: Callable[[Key, Array], Array] | None = None
    path_formats: Formats = no_formats
    unit: Callable[[Field], str] = dimension

    def preview(self, field: Field) -> str:
        """The ending of the format that shows samples of a field; `.npz` where no other does."""
        return next(iter(self.formats(field)))

    def writer(self, path: Path, field: Field, *, of_path: bool = False) -> Writer:
        """What writes samples of a field, or a path of them, to a file with this ending.

        Raises:
          UserError: if this modality has no such format; the line names those that it has.
        """
        samples, paths = self.formats(field), self.path_formats(field)
        formats = paths if of_path else samples
        if path.suffix not in formats:
            able = ", ".join(dict.fromkeys([*samples, *paths]))
            raise UserError(f"{path}: {self.name} data of shape {field.shape} are written to {able}")
        return formats[path.suffix]


def write_arrays(stored: np.ndarray, path: Path, field: Field) -> None:
    """The values as they are, compressed, under the plural of their kind."""
    arrays: dict[str, Any] = {field.kind if field.kind.endswith("s") else f"{field.kind}s": stored}
    np.savez_compressed(path, **arrays)
