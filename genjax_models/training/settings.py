"""Sections of a config, declared once: each field with its default, its range and a line of documentation.

A section is a mapping from names to `Setting`s and sections; the user holds an ordinary `ConfigDict`. Defaults, the
check before anything is built, the `smoke` variant, `--explain` and the reference page follow from the declaration.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from genjax_models.core.errors import UserError
from genjax_models.core.optional import optional
from genjax_models.training.names import nearest

with optional("train"):
    from ml_collections import ConfigDict

Range = tuple[str, Callable[[Any], bool]]
"""How a range is written, and whether a value lies in it."""


def at_least(low: float) -> Range:
    """Numbers from `low` on."""
    return f"at least {low}", lambda value: value >= low


def between(low: float, high: float) -> Range:
    """Numbers from `low` to `high`, both included."""
    return f"{low} to {high}", lambda value: low <= value <= high


def one_of(*names: str) -> Range:
    """One of these words."""
    return f"one of {', '.join(repr(name) for name in names)}", lambda value: value in names


SEED: Range = ("0 to 2**32 - 1", lambda seed: 0 <= seed < 2**32)
POSITIVE: Range = ("above 0", lambda value: value > 0)
SHARE = between(0, 1)
BELOW_ONE: Range = ("0 to below 1", lambda value: 0 <= value < 1)


class Setting(NamedTuple):
    """One field of a config.

    Attributes:
      default: its value unless it is overridden; the type of the field is that of its default, and a float may be
        given as an integer.
      doc: what it is, in a line.
      range: which values of that type are allowed; all by default.
      smoke: the largest value in the `smoke` variant, or a function from the config's value to that of the variant, for
        a field that decides how long a run takes.
    """

    default: Any
    doc: str
    range: Range | None = None
    smoke: Any = None


class Open(NamedTuple):
    """A section whose fields belong to what another field names: a network, or the options of a sampler.

    Attributes:
      default: its fields.
      doc: what it is, in a line.
    """

    default: Mapping[str, Any]
    doc: str


Section = Mapping[str, "Setting | Open | Section"]


def defaults(section: Section) -> ConfigDict:
    """The config of the default values."""
    make = lambda entry: entry.default if isinstance(entry, Setting) else ConfigDict(_plain(entry))
    return ConfigDict({name: make(entry) for name, entry in section.items()})


def _plain(entry: Any) -> dict[str, Any]:
    return dict(entry.default) if isinstance(entry, Open) else defaults(entry).to_dict(preserve_field_references=True)


def without(section: Section, *names: str) -> dict[str, Any]:
    """The section without some of its fields."""
    return {name: entry for name, entry in section.items() if name not in names}


def check(section: Section, config: ConfigDict, *, prefix: str = "config") -> None:
    """Refuse a config with a field that is missing, unknown, of another type, or out of its range.

    Args:
      section: the declaration.
      config: what the user holds.
      prefix: of the names in errors.

    Raises:
      UserError: for the first such field: its name, its value, and what was expected.
    """
    for name in config:
        if name not in section:
            near = nearest(name, section)
            raise UserError(f"{prefix}.{name} is no field of this experiment; did you mean {near!r}?")
    for name, entry in section.items():
        place = f"{prefix}.{name}"
        if name not in config:
            raise UserError(f"{place} is missing: start from the experiment's get_config()")
        value = config[name]
        if isinstance(entry, Setting):
            check_value(place, entry, value)
        elif not isinstance(value, ConfigDict):
            raise UserError(f"{place}={shown(value)} must be a section with fields of its own")
        elif isinstance(entry, Open):
            check_finite(place, value.to_dict())
        else:
            check(entry, value, prefix=place)


def check_finite(place: str, value: Any) -> None:
    """Refuse numbers that are not finite, in sections and sequences of any depth.

    Raises:
      UserError: which names the place.
    """
    if isinstance(value, Mapping):
        for name, entry in value.items():
            check_finite(f"{place}.{name}", entry)
    elif isinstance(value, list | tuple):
        for entry in value:
            check_finite(place, entry)
    elif isinstance(value, float) and not math.isfinite(value):
        raise UserError(f"{place} must hold finite numbers, got {value}")


def check_value(place: str, setting: Setting, value: Any) -> None:
    """Refuse a value of another type than the default's, that is not finite, or out of range.

    Raises:
      UserError: which names the place, the value and what was expected.
    """
    kind, expected = type(setting.default), type_name(setting)
    if setting.range:
        expected += f", {setting.range[0]}"
    right = isinstance(value, kind | int if kind is float else kind)
    if isinstance(value, bool) and kind is not bool:
        right = False
    if right and isinstance(value, int | float) and not math.isfinite(value):
        right = False
    if kind is tuple and isinstance(value, list):
        right = True
    try:
        allowed = right and (setting.range is None or setting.range[1](value))
    except (TypeError, ValueError, AttributeError, LookupError):
        allowed = False
    if not allowed:
        raise UserError(f"{place}={shown(value)} must be {expected}: {setting.doc}")


def type_name(setting: Setting) -> str:
    """How the type of a field is written."""
    names = {int: "an integer", float: "a number", bool: "True or False", str: "a text", tuple: "a tuple"}
    return names[type(setting.default)]


def shrink(section: Section, config: ConfigDict) -> None:
    """Bring every field that has a `smoke` value down to it, in place."""
    for name, entry in section.items():
        if isinstance(entry, Setting):
            if callable(entry.smoke):
                config[name] = entry.smoke(config[name])
            elif entry.smoke is not None:
                config[name] = min(config[name], entry.smoke)
        elif not isinstance(entry, Open):
            shrink(entry, config[name])


def lines(section: Section, config: ConfigDict, prefix: str = "") -> Iterator[tuple[str, Setting | Open, Any]]:
    """Every field of a section and of those within: its dotted name, its declaration, its value in a config."""
    for name, entry in section.items():
        if isinstance(entry, Setting | Open):
            yield f"{prefix}{name}", entry, config[name]
        else:
            yield from lines(entry, config[name], f"{prefix}{name}.")


def explain(section: Section, config: ConfigDict, path: str = "") -> str:
    """What the fields of a config below a dotted path are: value, type, range and meaning, a line each.

    Raises:
      UserError: if there is no such field; the line names the nearest.
    """
    entries = list(lines(section, config))
    found = [entry for entry in entries if f"{entry[0]}.".startswith(f"{path}." if path else "")]
    if not found:
        known = [name for name, _, _ in entries]
        known += sorted({name.rpartition(".")[0] for name in known if "." in name})
        raise UserError(f"there is no field {path!r}; did you mean {nearest(path, known)!r}?")
    return "\n".join(f"{name} = {shown(value)} ({kind_of(entry)}): {entry.doc}" for name, entry, value in found)


def shown(value: Any) -> str:
    """A value as it is written."""
    return repr(value.to_dict() if isinstance(value, ConfigDict) else value)


def kind_of(entry: Setting | Open) -> str:
    """The type and the range of a field."""
    if isinstance(entry, Open):
        return "a section"
    return type_name(entry) + (f", {entry.range[0]}" if entry.range else "")
