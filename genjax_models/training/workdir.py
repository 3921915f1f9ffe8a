"""A run's folder: which config it belongs to, and what a failed write to it means."""

import json
import math
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax

from genjax_models.core.errors import UserError

MAY_CHANGE = frozenset(
    f"train.{name}"
    for name in ("log_every", "sample_every", "checkpoint_every", "keep_last", "nonfinite", "ema.snapshot_every")
)
"""Settings that say how a run is watched, not what it computes."""

MAY_CHANGE_SECTIONS = ("train.keep_best.", "train.parallel.", "sample.", "eval.", "likelihood.", "impute.", "expected")
"""Sections of such settings."""


def claim(workdir: Path, config: Mapping[str, Any], *, started: bool) -> None:
    """Make `workdir` the folder of this config: write `config.json`, or check the one that is there.

    A run may go on with more `train.steps`, on other devices, and with other intervals; nothing else may differ.

    Args:
      workdir: the run's folder, made if it is not there.
      config: the config, JSON-able.
      started: whether there is a checkpoint; until then nothing is lost and any config may take over the folder.

    Raises:
      UserError: if the folder belongs to another config; the message names the keys that differ.
    """
    check_name(workdir)
    path = workdir / "config.json"
    if started and path.exists() and not differing(workdir, config):
        return
    if jax.process_index() == 0:
        with writing(workdir):
            workdir.mkdir(parents=True, exist_ok=True)
            write_json(path, config)


def check_name(workdir: Path) -> None:
    """Refuse the name of a folder that the checkpoints' storage cannot hold.

    Raises:
      UserError: if it is not UTF-8.
    """
    name = str(workdir)
    try:
        name.encode()
    except UnicodeEncodeError:
        raise UserError(
            f"--workdir={name.encode(errors='replace').decode()} is not UTF-8: choose another name"
        ) from None


def differing(workdir: Path, config: Mapping[str, Any]) -> list[str]:
    """The keys in which the config of a run's folder differs from `config`, all of them such as may.

    Raises:
      UserError: if another differs, or the folder's `config.json` cannot be read.
    """
    changes = _changes(workdir, config)
    _refuse(workdir, changes)
    return list(changes)


def check_same_model(workdir: Path, config: Mapping[str, Any]) -> None:
    """Refuse to load a run's weights with the config of another model; settings of the training may differ.

    Raises:
      UserError: if a setting outside `train` differs, apart from those that may, or `config.json` cannot be read.
    """
    training = "train.", "teacher.train.", "teacher_workdir"
    _refuse(workdir, {key: pair for key, pair in _changes(workdir, config).items() if not key.startswith(training)})


def recorded(workdir: Path) -> dict[str, Any]:
    """The config that a run's folder belongs to.

    Raises:
      UserError: if its `config.json` cannot be read, or is of a version whose configs had other fields.
    """
    path = workdir / "config.json"
    try:
        config = json.loads(path.read_text())
    except (ValueError, OSError):
        raise UserError(f"{path} cannot be read as JSON; restore it or choose another --workdir") from None
    if not isinstance(config, dict) or not isinstance(config.get("train"), dict):
        raise UserError(
            f"{path} is not the config of a run, with a section `train`: restore it or choose another --workdir"
        )
    if "conditional" in config or "shape" in (config.get("data") or {}):
        raise UserError(
            f"{workdir} is a run of version 0.1.0 or before, whose configs repeated shapes and classes of the data: "
            "use that version, or train again in another --workdir"
        )
    return config


def _changes(workdir: Path, config: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The values of the folder's config and of `config`, by key, where they differ."""
    new, old = flatten(json.loads(json.dumps(config))), flatten(recorded(workdir))
    pairs = {key: (old.get(key), new.get(key)) for key in sorted(old.keys() | new.keys())}
    return {key: (there, here) for key, (there, here) in pairs.items() if there != here}


def _refuse(workdir: Path, changes: Mapping[str, tuple[Any, Any]]) -> None:
    """Refuse those of the changes that may not be."""
    refused = [(key, there, here) for key, (there, here) in changes.items() if not _may_change(key, there, here)]
    if refused:
        shown = ", ".join(f"{key} ({there!r} there, {here!r} here)" for key, there, here in refused[:5])
        more = f" and {len(refused) - 5} more" if len(refused) > 5 else ""
        raise UserError(f"{workdir} belongs to another config: {shown}{more}; choose another --workdir")


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, with dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path to write to, with the same ending, whose file becomes `path` once it is complete, or is removed."""
    partial = path.with_name(f".partial-{path.name}")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_atomically(path: Path, text: str) -> None:
    """Write a file that is either there as a whole or not at all, whenever the process dies."""
    with whole(path) as partial:
        partial.write_text(text)


def write_json(path: Path, value: Any) -> None:
    """Write JSON, whole or not at all; what is not a finite number is `null`, as JSON has no other."""
    write_atomically(path, json.dumps(finite(value), indent=2, allow_nan=False) + "\n")


def finite(value: Any) -> Any:
    """A tree of JSON values with `None` in place of numbers that are not finite."""
    if isinstance(value, Mapping):
        return {key: finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Turn a failed write (full disk, no permission, vanished folder) into one line.

    Raises:
      UserError: in place of an `OSError`, and of the error in which the checkpoint's storage library wraps one.
    """
    try:
        yield
    except OSError as error:
        raise UserError(_cannot_write(place, error.strerror or str(error))) from error
    except ValueError as error:
        code = re.search(r"os_error_code='(\d+)'", str(error))
        if code is None:
            raise
        raise UserError(_cannot_write(place, os.strerror(int(code[1])))) from error


def check_room(place: Path, size: int) -> None:
    """Refuse to begin to write `size` bytes where they do not fit.

    Raises:
      UserError: if the disk has fewer bytes left.
    """
    free = shutil.disk_usage(place).free
    if free < size:
        raise UserError(_cannot_write(place, f"{size / 1e6:.1f} MB are needed and {free / 1e6:.1f} MB are left"))


def _cannot_write(place: Path, reason: str) -> str:
    return (
        f"cannot write to {place}: {reason}; earlier checkpoints are intact: make room and run the same command again"
    )


def _may_change(key: str, old: Any, new: Any) -> bool:
    if key == "train.steps":
        return isinstance(old, int) and isinstance(new, int) and new > old
    key = key.removeprefix("teacher.")  # a config within the config
    return key in MAY_CHANGE or key.startswith(MAY_CHANGE_SECTIONS)
