"""Tokens: integers of a vocabulary, which models see as they are stored; written as text, or as music.

The text of a sample is the entries of the vocabulary one after the other. A vocabulary of words holds the spaces in
its entries. Music is written as a table of its voices.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from genjax_models.data.spec import Field
from genjax_models.modalities import music
from genjax_models.modalities.modality import Modality, Writer, write_arrays

RULE = "\n" + "─" * 80 + "\n"
"""Stands between two texts of a file. A text may have blank lines of its own."""


def to_text(tokens: np.ndarray, names: tuple[str, ...]) -> str:
    """The text of one sequence `[L]`; a token that has no name, such as a mask, is its number: `<256>`."""
    return "".join(names[i] if 0 <= i < len(names) else f"<{i}>" for i in tokens.tolist())


def write_text(stored: np.ndarray, path: Path, field: Field) -> None:
    """The samples `[N, L]` in UTF-8: as texts with `RULE` between them, without names as a line of numbers each."""
    if field.voices:
        text = RULE.join(music.to_table(tokens, field) for tokens in stored) + "\n"
    elif field.names:
        text = RULE.join(to_text(tokens, field.names) for tokens in stored) + "\n"
    else:
        text = "".join(" ".join(map(str, tokens)) + "\n" for tokens in stored.tolist())
    path.write_text(text, encoding="utf-8", newline="\n")


def formats(field: Field) -> Mapping[str, Writer]:
    """The same for every vocabulary; music is heard and seen as well."""
    return {**(music.formats(field) if field.voices else {}), ".txt": write_text, ".npz": write_arrays}


def unit(field: Field) -> str:
    """`character` where every entry of the vocabulary is one, otherwise `token`."""
    return "character" if field.names and all(len(name) == 1 for name in field.names) else "token"


TOKENS = Modality("tokens", formats, preview_num=8, unit=unit)
