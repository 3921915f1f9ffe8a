"""Values of fields from text: how a command line gives a condition."""

from collections.abc import Callable

import numpy as np

from genjax_models.core.errors import UserError
from genjax_models.data.encoders import sentence_encoder
from genjax_models.data.spec import Field

Parser = Callable[[Field, str], np.ndarray]
"""`(field, text) -> one example of it`; raises `ValueError` with what was expected."""


def class_of(field: Field, text: str) -> np.ndarray:
    """A class by its number or its name."""
    if field.names and text in field.names:
        return np.asarray(field.names.index(text), field.dtype)
    if not (text.isascii() and text.isdigit()) or int(text) >= field.size:
        known = f", or one of {', '.join(field.names)}" if field.names else ""
        raise ValueError(f"a class from 0 to {field.size - 1}{known}")
    return np.asarray(int(text), field.dtype)


def numbers_of(field: Field, text: str) -> np.ndarray:
    """A vector `[D]` by its numbers, with commas between them."""
    expected = f"{field.shape[0]} finite numbers with commas between them"
    try:
        value = np.asarray([float(number) for number in text.split(",")], field.dtype)
    except ValueError:
        raise ValueError(expected) from None
    if value.shape != field.shape or not np.isfinite(value).all():
        raise ValueError(expected)
    return value


def sentence_of(field: Field, text: str) -> np.ndarray:
    """A sentence as the vector of the field's encoder."""
    return np.asarray(sentence_encoder(field.encoder).encode([text]))[0]


PARSERS: dict[str, Parser] = {"label": class_of, "vector": numbers_of, "text": sentence_of}
"""By the kind of a field. A kind of another package is one more entry."""


def value_of(name: str, field: Field, text: str) -> np.ndarray:
    """One example of a field from text.

    Args:
      name: of the field, for errors.
      field: what it is.
      text: as the command line has it.

    Returns:
      An array of the field's shape and dtype.

    Raises:
      UserError: if fields of this kind have no text form, or this is none of it.
    """
    if field.kind not in PARSERS:
        raise UserError(f"fields of {field.kind} cannot be given as text, those of {', '.join(PARSERS)} can")
    try:
        return PARSERS[field.kind](field, text)
    except ValueError as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"--cond.{name}={text} must be {error}") from None
