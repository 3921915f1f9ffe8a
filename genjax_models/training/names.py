"""Names: of values in a config, with a helpful error for one that is not there, and of the arrays of a tree."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import jax

from genjax_models.core.errors import UserError

T = TypeVar("T")


def path_name(path: tuple[Any, ...]) -> str:
    """The path of an array in a tree, as JAX gives it: `block_0/dense/kernel`."""
    return jax.tree_util.keystr(path, simple=True, separator="/")


def nearest(name: str, known: Iterable[str]) -> str:
    """The name among those known that is most like this one, however unlike; empty where none is known."""
    return "".join(difflib.get_close_matches(name, list(known), n=1, cutoff=0.0))


def pick(field: str, name: str, table: Mapping[str, T]) -> T:
    """`table[name]`, or a `UserError` that names the field, the nearest entry and all of them."""
    if name in table:
        return table[name]
    near = nearest(str(name), table)
    raise UserError(f"{field}={name!r} is unknown; did you mean {near!r}? Known: {', '.join(table)}")
