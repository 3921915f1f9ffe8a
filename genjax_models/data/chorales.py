r"""Bach's chorales as four voices in sixteenth notes, and the windows that are their examples.

At sixteenth k of a piece a voice has one token: `rest`, the name of a note that begins there, or `hold` where the note
of sixteenth k - 1 goes on, as in DeepBach (Hadjeres et al., 2017, https://arxiv.org/abs/1612.01010). What a voice does
between two sixteenths is left out. The tokens of an example are the voices of the
first sixteenth from soprano to bass, then those of the second, and so on.

The pieces are the scores `bwv*.mxl` in the corpus of the PyPI package `music21` 10.5.1 (BSD-3-Clause; the music is in
the public domain) that have a soprano, an alto, a tenor and a bass: 403 of 408, of which 401 differ. They are split by
work, the number in Bach's catalogue (BWV), so that movements of one cantata stay together: in the order of the numbers,
every tenth work is for testing and the one after it for validation. Bach harmonised some melodies more than once: of
the pieces in different splits three pairs share more than half of their quarters, transposed, up to 0.72 of them.

With L sixteenths a window, training examples begin at every quarter of a piece, and validation and test examples lie
side by side. A window is within one piece; what is left at its end is not used.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from genjax_models.core.errors import UserError
from genjax_models.data.arrays import ArrayDataset
from genjax_models.data.prepared import PreparedSource, read_into_memory
from genjax_models.data.spec import DataSpec, Field, music, pitch_name

VOICES = ("Soprano", "Alto", "Tenor", "Bass")
QUARTER = 4
"""Sixteenths of a quarter note."""

RATE = 4.8
"""Sixteenths a second that samples are played at: 72 quarters a minute. The scores state no tempo."""

REST, HOLD, FIRST = 0, 1, 2
LOWEST, HIGHEST = 36, 81
"""The MIDI numbers of the notes that occur, C2 to A5; the token of note p is FIRST + p - LOWEST."""

VOCABULARY = ("rest", "hold", *map(pitch_name, range(LOWEST, HIGHEST + 1)))


def voices_of(score: Any) -> np.ndarray | None:
    """The tokens of a score of music21, `uint8` `[T, 4]`; `None` unless it has the four voices.

    Raises:
      ValueError: if a note is outside `LOWEST` to `HIGHEST`.
    """
    parts = {part.partName: part for part in score.parts}
    if len(score.parts) == len(VOICES) and set(parts) == {None}:
        parts = dict(zip(VOICES, score.parts, strict=True))
    if not set(VOICES) <= set(parts):
        return None
    steps = int(QUARTER * max(parts[voice].duration.quarterLength for voice in VOICES))
    tokens = np.full((steps, len(VOICES)), REST, np.uint8)
    for voice, name in enumerate(VOICES):
        for element in parts[name].stripTies().flatten().notes:
            pitch = max(note.midi for note in element.pitches)
            if not LOWEST <= pitch <= HIGHEST:
                raise ValueError(f"the note {pitch} of the {name.lower()} is outside {LOWEST} to {HIGHEST}")
            start, end = (QUARTER * at for at in (element.offset, element.offset + element.quarterLength))
            heard = range(-int(-start // 1), -int(-end // 1))  # the sixteenths at which it sounds
            tokens[heard, voice] = HOLD
            tokens[heard[:1], voice] = FIRST + pitch - LOWEST
    return tokens


def work_of(name: str) -> int:
    """The number in Bach's catalogue, of a file such as `bwv248.12-2.mxl`.

    Raises:
      ValueError: if the name has none.
    """
    found = re.match(r"bwv(\d+)", name)
    if not found:
        raise ValueError(f"{name} is not named by a number in Bach's catalogue")
    return int(found[1])


def split_works(names: Sequence[str]) -> dict[str, list[str]]:
    """The splits `train`, `validation` and `test` of pieces, each in the order of their names."""
    place = {work: number % 10 for number, work in enumerate(sorted({work_of(name) for name in names}))}
    split_of = {0: "test", 1: "validation"}
    splits: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for name in sorted(names):
        splits[split_of.get(place[work_of(name)], "train")].append(name)
    return splits


def without_copies(pieces: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The first of equal pieces, in the order of their names."""
    first: dict[bytes, str] = {}
    for name in sorted(pieces):
        first.setdefault(pieces[name].tobytes(), name)
    return {name: pieces[name] for name in first.values()}


def joined(pieces: Sequence[np.ndarray]) -> np.ndarray:
    """Pieces `[T, 4]` one after the other, with a column that is 1 at the first sixteenth of each: `[sum T, 5]`."""
    begins = [np.arange(len(piece))[:, None] == 0 for piece in pieces]
    return np.concatenate([np.concatenate(pieces), np.concatenate(begins)], axis=1, dtype=np.uint8)


def chorales_spec(*, length: int) -> DataSpec:
    """The spec of windows of `length` sixteenths.

    Raises:
      UserError: if the length is not positive.
    """
    if length < 1:
        raise UserError(f"data set chorales in windows of length={length}: expected at least 1 sixteenth")
    return DataSpec("chorales", {"x": music(length, VOCABULARY, voices=len(VOICES), rate=RATE)})


def load_chorales(name: str, split: str, folder: Path, *, length: int) -> ArrayDataset:
    """The windows of one split: `x` `int32` `[N, 4 length]`.

    Args:
      name: of the set.
      split: `train` for windows at every quarter, any other for those that lie side by side.
      folder: as `find_prepared` gives it.
      length: of a window, in sixteenths.

    Raises:
      UserError: if the set has no such split, is damaged, or no piece has `length` sixteenths.
    """
    spec = chorales_spec(length=length)
    stream = read_into_memory(name, split, folder, ChoraleSource).x[0]
    begins = np.flatnonzero(stream[:, -1])
    stride = QUARTER if split == "train" else length
    starts = [
        start
        for begin, end in zip(begins, [*begins[1:], len(stream)], strict=True)
        for start in range(begin, end - length + 1, stride)
    ]
    if not starts:
        longest = np.diff([*begins, len(stream)]).max()
        raise UserError(
            f"the pieces of data set {name} have at most {longest} sixteenths in its split {split}: "
            f"windows of length={length} do not fit, choose a smaller length"
        )
    windows = np.lib.stride_tricks.sliding_window_view(stream[:, :-1], length, axis=0)[starts]
    return ArrayDataset(spec, split, {"x": windows.swapaxes(1, 2).reshape(len(starts), -1).astype(np.int32)})


class ChoraleSource(PreparedSource):
    """One split of the prepared chorales, as a single example: `joined` pieces, `uint8` `[M, 5]`."""

    def __init__(self, name: str, split: str, folder: Path):
        super().__init__(name, split, folder)
        shape = self.take(np.arange(1))["x"].shape[1:]
        self.spec = DataSpec(name, {"x": Field("tokens", shape, "uint8", size=len(VOCABULARY))})

    def _decode(self, example: dict) -> np.ndarray:
        stream = example["voices"]
        if stream.shape[1] != len(VOICES) + 1 or stream.max() >= len(VOCABULARY) or stream[0, -1] != 1:
            raise ValueError("its voices are not those of four parts")
        return np.asarray(stream)
