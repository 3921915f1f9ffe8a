"""Choosing a value by its name in a config, with a helpful error for a name that is not there."""

import difflib
from collections.abc import Mapping
from typing import TypeVar

from genjax_models.core.errors import UserError

T = TypeVar("T")


def pick(field: str, name: str, table: Mapping[str, T]) -> T:
    """`table[name]`, or a `UserError` that names the field, the nearest entry and all of them."""
    if name in table:
        return table[name]
    nearest = difflib.get_close_matches(str(name), table, n=1, cutoff=0.0)[0]
    raise UserError(f"{field}={name!r} is unknown; did you mean {nearest!r}? Known: {', '.join(table)}")
