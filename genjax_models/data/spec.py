"""What a data set is made of: its fields, which of them is modelled, and with it the modality of the set.

Networks, samplers, previews and file formats follow from it; a config names a set and never repeats a shape.
"""

import difflib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from genjax_models.core.errors import UserError

KINDS = {
    "image": "bytes [H, W, C], 0 is black",
    "vector": "real numbers [D]",
    "tokens": "integers [L] of a vocabulary of `size` entries; of music where there are `voices`",
    "waveform": "samples [T, C] in [-1, 1], `rate` of them a second",
    "video": "bytes [T, H, W, C], `rate` frames a second",
    "points": "real coordinates [N, D]",
    "label": "an integer [], one of `size` classes",
    "text": "a sentence as the vector [D] that `encoder` makes of it",
    "mask": "bool, which parts are given",
    "camera": "a camera's pose and intrinsics as real numbers",
}
"""What a field of ours may be, and how an example of it is stored. A field of another package may be of its own kind:
`modalities.MODALITIES` says how that is modelled, `data.parsing.PARSERS` how it is given as text."""


class Field(NamedTuple):
    """One field of a data set.

    Attributes:
      kind: one of `KINDS`, or of another package's.
      shape: of one example, without the batch axis.
      dtype: as it is stored.
      size: classes of a label, or entries of the vocabulary of tokens.
      rate: samples a second of a waveform, frames a second of a video, steps a second of music.
      names: of the classes or of the vocabulary's entries, in their order; empty where they have none.
      encoder: which sentence encoder the vectors of a text come from.
      voices: of music, whose tokens stand voice by voice within each step; 0 for other tokens.
    """

    kind: str
    shape: tuple[int, ...]
    dtype: str
    size: int = 0
    rate: float = 0.0
    names: tuple[str, ...] = ()
    encoder: str = ""
    voices: int = 0

    @property
    def null(self) -> np.ndarray:
        """The null value of this field as a condition: the class `size`, otherwise zeros."""
        return np.full(self.shape, self.size if self.kind == "label" else 0, self.dtype)


def image(height: int, width: int, channels: int) -> Field:
    """A field of images `[H, W, C]`."""
    return Field("image", (height, width, channels), "uint8")


def vector(size: int) -> Field:
    """A field of real vectors `[D]`."""
    return Field("vector", (size,), "float32")


def label(classes: int, names: tuple[str, ...] = ()) -> Field:
    """A field of class labels."""
    return Field("label", (), "int32", size=classes, names=names)


def tokens(length: int, size: int, names: tuple[str, ...] = ()) -> Field:
    """A field of sequences `[L]` of a vocabulary of `size` entries."""
    return Field("tokens", (length,), "int32", size=size, names=names)


def pitch_name(number: int) -> str:
    """The name of MIDI's note `number`, with sharps: 60 is C4."""
    return ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")[number % 12] + str(number // 12 - 1)


PITCHES = {pitch_name(number): number for number in range(128)}
"""MIDI's notes by their names."""


def music(steps: int, names: tuple[str, ...], *, voices: int, rate: float = 0.0) -> Field:
    """A field of music `[steps voices]`, `rate` steps a second; `names` are of notes, `hold`, and others for rests."""
    return tokens(steps * voices, len(names), names)._replace(voices=voices, rate=rate)


def waveform(length: int, rate: float, channels: int = 1) -> Field:
    """A field of waveforms `[T, C]`, `rate` samples a second."""
    return Field("waveform", (length, channels), "float32", rate=rate)


def video(frames: int, height: int, width: int, channels: int, rate: float) -> Field:
    """A field of videos `[T, H, W, C]`, `rate` frames a second."""
    return Field("video", (frames, height, width, channels), "uint8", rate=rate)


def points(count: int, dimensions: int = 3) -> Field:
    """A field of point clouds `[N, D]`."""
    return Field("points", (count, dimensions), "float32")


class DataSpec(NamedTuple):
    """The fields of a data set.

    Attributes:
      name: of the set.
      fields: by name, in the order of a batch.
      modelled: the name of the field that generative models learn; the others can be conditions.
    """

    name: str
    fields: Mapping[str, Field]
    modelled: str = "x"

    @property
    def field(self) -> Field:
        """The modelled field."""
        return self.fields[self.modelled]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one example of the modelled field."""
        return self.field.shape

    @property
    def num_classes(self) -> int:
        """Classes of the field `label`; 0 where there is none."""
        return self.fields["label"].size if "label" in self.fields else 0

    def conditions(self, names: Iterable[str]) -> dict[str, Field]:
        """The fields of these names, to condition on.

        Raises:
          UserError: if the set has no such field, or it is the modelled one.
        """
        able = [name for name in self.fields if name != self.modelled]
        for name in names:
            if name not in able:
                known = ", ".join(able) or "none"
                near = difflib.get_close_matches(name, able, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else "."
                raise UserError(
                    f"data set {self.name} has no field {name!r} to condition on{hint} Its fields are: {known}"
                )
        return {name: self.fields[name] for name in names}


def of_images(name: str, height: int, width: int, channels: int, classes: int = 10) -> DataSpec:
    """The spec of a set of images with class labels; without `label` where `classes` is 0."""
    fields = {"x": image(height, width, channels)}
    return DataSpec(name, fields | ({"label": label(classes)} if classes else {}))


def of_vectors(name: str, size: int) -> DataSpec:
    """The spec of a set of vectors without classes."""
    return DataSpec(name, {"x": vector(size)})
