"""Choosing a value by its name in a config, with a helpful error for a name that is not there."""

import difflib
from collections.abc import Iterable, Mapping
from typing import TypeVar

from genjax_models.core.errors import UserError

T = TypeVar("T")


def nearest(name: str, known: Iterable[str]) -> str:
    """The name among those known that is most like this one, however unlike; empty where none is known."""
    return "".join(difflib.get_close_matches(name, list(known), n=1, cutoff=0.0))


def pick(field: str, name: str, table: Mapping[str, T]) -> T:
    """`table[name]`, or a `UserError` that names the field, the nearest entry and all of them."""
    if name in table:
        return table[name]
    near = nearest(str(name), table)
    raise UserError(f"{field}={name!r} is unknown; did you mean {near!r}? Known: {', '.join(table)}")
