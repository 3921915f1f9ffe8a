"""Checkpoints: written in the background, checked by digest, restored onto any number of devices or processes.

A checkpoint is a folder `checkpoints/<step>` that orbax writes under a temporary name and renames when it is
complete, so a process that dies leaves either a whole checkpoint or none. Into it, before the rename, goes a list of
its files with their digests: a file that was damaged later is noticed before anything is read from it.
"""

import atexit
import hashlib
import json
import logging
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils

from genjax_models.core.errors import UserError
from genjax_models.core.optional import optional
from genjax_models.core.types import PyTree
from genjax_models.training.names import path_name, pick
from genjax_models.training.state import TrainState
from genjax_models.training.workdir import check_room, write_atomically, writing

with optional("train"):
    import orbax.checkpoint as ocp
    from orbax.checkpoint import checkpoint_managers

DIGESTS = "digests.json"
log = logging.getLogger("genjax_models")


class Restored(NamedTuple):
    """What a checkpoint holds: the state, and the position of the data iterator after the step it was taken at."""

    state: TrainState
    data: Any


class Checkpoints:
    """Writes the checkpoints of one run, and removes those that need not be kept.

    Args:
      directory: where they go.
      keep_last: how many of the newest stay.
      keep_best: which others stay: the `count` best by `metric`, where `mode`, `min` or `max`, defines best.
    """

    def __init__(self, directory: Path, *, keep_last: int = 1, keep_best: Mapping[str, Any] | None = None):
        keep_best = keep_best or {"count": 0, "metric": "loss", "mode": "min"}
        count, metric = keep_best["count"], keep_best["metric"]
        descending = pick("keep_best.mode", keep_best["mode"], {"min": True, "max": False})  # BestN keeps the last ones
        if keep_last < 1 or count < 0:
            raise UserError(f"keep_last must be at least 1 and keep_best.count at least 0, got {keep_last} and {count}")
        _quiet_orbax()
        self._directory, self._metric = _literal(directory), metric if count else None
        self._writing: int | None = None
        read = lambda metrics: float(metrics[metric])
        self._all = _All()
        latest = checkpoint_managers.LatestN(keep_last)
        best = checkpoint_managers.BestN(
            get_metric_fn=read, reverse=descending, n=count, keep_checkpoints_without_metrics=False
        )
        with writing(directory):
            self._manager = ocp.CheckpointManager(
                self._directory,
                options=ocp.CheckpointManagerOptions(
                    best_fn=read if count else None,
                    preservation_policy=checkpoint_managers.AnyPreservationPolicy([latest, best, self._all]),
                    cleanup_tmp_directories=True,
                    async_options=ocp.AsyncOptions(post_finalization_callback=self._write_digests),
                ),
            )

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def save(
        self,
        step: int,
        state: TrainState,
        *,
        data: Any = None,
        metrics: Mapping[str, float] | None = None,
        remove: bool = True,
    ) -> None:
        """Start writing a checkpoint and return as soon as the state may change; at most one is under way.

        A step that already has a checkpoint is left alone.

        Args:
          step: the number of steps taken.
          state: the state after it.
          data: the position of the data iterator, JSON-able.
          metrics: what the metric of `keep_best` is taken from; without them the checkpoint is none of the best.
          remove: whether those that this one replaces are removed: not if it may be worse than they are.

        Raises:
          UserError: if this or the previous checkpoint cannot be written, or the metric is missing.
        """
        kept = None
        if self._metric is not None and metrics is not None:
            if self._metric not in metrics:
                known = ", ".join(sorted(metrics))
                raise UserError(f"keep_best.metric={self._metric!r} was not measured at step {step}; measured: {known}")
            kept = {self._metric: float(metrics[self._metric])}
        with writing(self._directory):
            self._manager.wait_until_finished()
            if step in self._manager.all_steps():
                return
            self._writing, self._all.kept = step, not remove
            arrays = _keys_as_data(state)
            check_room(self._directory, sum(x.nbytes for x in jax.tree.leaves(arrays)))
            notes = {"data": data, "arrays": _arrays(state)}
            items = ocp.args.Composite(state=ocp.args.StandardSave(arrays), notes=ocp.args.JsonSave(notes))
            self._manager.save(step, args=items, metrics=kept, force=True)

    def close(self) -> None:
        """Wait until everything is on disk.

        Raises:
          UserError: if it cannot be written.
        """
        with writing(self._directory):
            self._manager.close()

    def _write_digests(self) -> None:
        if jax.process_index() == 0:
            for folder in self._directory.glob(f"{self._writing}*"):
                if folder.name.split(".")[0] == str(self._writing):
                    write_atomically(folder / DIGESTS, json.dumps(_digests(folder)))


class _All(checkpoint_managers.PreservationPolicy):
    """Keeps every checkpoint while `kept`."""

    kept = False

    def should_preserve(self, checkpoints: Sequence[Any], *, context: Any) -> list[bool]:
        return [self.kept] * len(checkpoints)


def restore(directory: Path, target: TrainState, *, step: int | None = None) -> Restored | None:
    """The newest checkpoint that is whole, or `None` if there is none at all. Writes nothing.

    Args:
      directory: the run's `checkpoints`.
      target: shapes, dtypes and shardings of the state, see `parallel.abstract`; the devices and processes need not
        be those that wrote it.
      step: take this one, not the newest.

    Raises:
      UserError: if checkpoints are there but none can be read, or its arrays are not those of `target`.
    """
    _quiet_orbax()
    steps = saved_steps(directory)
    if step is not None:
        if step not in steps:
            raise UserError(f"{directory} has no checkpoint of step {step}; it has {steps}")
        steps = [step]
    for i, candidate in enumerate(steps):
        if not _agreed(_intact(directory / str(candidate))):
            continue
        if i and jax.process_index() == 0:
            damaged = ", ".join(map(str, steps[:i]))
            log.warning("checkpoint %s in %s is damaged; step %d is used instead", damaged, directory, candidate)
        return _read(_literal(directory) / str(candidate), target)
    if steps:
        raise UserError(f"none of the checkpoints {steps} in {directory} can be read; start again in another --workdir")
    return None


def set_aside(directory: Path, after: int) -> None:
    """Rename the checkpoints of later steps, which `restore` has found damaged, so that they can be written anew."""
    if jax.process_index() == 0:
        for step in saved_steps(directory):
            if step > after:
                (directory / str(step)).rename(directory / f"damaged-{step}")
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices("checkpoints set aside")


def saved_steps(directory: Path) -> list[int]:
    """The steps that have a complete checkpoint, newest first."""
    if not directory.is_dir():
        return []
    return sorted((int(path.name) for path in directory.iterdir() if path.name.isdigit()), reverse=True)


def _read(folder: Path, target: TrainState) -> Restored:
    notes = json.loads((folder / "notes" / "metadata").read_text())
    there, here = notes["arrays"], _arrays(target)
    if there != here:
        name = min(name for name in there.keys() | here.keys() if there.get(name) != here.get(name))
        raise UserError(
            f"{folder} does not fit this model: {name} is {there.get(name)} there and {here.get(name)} here; "
            "give the config it was trained with"
        )
    wanted = _keys_as_data(target)
    by_name = _named(wanted)
    with ocp.StandardCheckpointer() as checkpointer:
        # Asked for in the tree that was written, which may have had other nodes without arrays, such as `{}`.
        written = checkpointer.metadata(folder / "state").item_metadata.tree
        asked = jax.tree.map_with_path(lambda path, _: by_name[path_name(path)], written)
        found = _named(checkpointer.restore(folder / "state", asked))
    state = jax.tree.map_with_path(lambda path, _: found[path_name(path)], wanted)
    return Restored(_data_as_keys(state, target), notes["data"])


def _literal(directory: Path) -> Path:
    """A path to the same folder without the characters that orbax takes for patterns of file names."""
    directory = directory.absolute()
    if not set("[]*?") & set(str(directory)):
        return directory
    with writing(directory):
        directory.mkdir(parents=True, exist_ok=True)
    link = Path(tempfile.mkdtemp(prefix="checkpoints-")) / "link"
    link.symlink_to(directory, target_is_directory=True)
    atexit.register(shutil.rmtree, link.parent, ignore_errors=True)
    return link


def _named(tree: PyTree) -> dict[str, Any]:
    return {path_name(path): x for path, x in jax.tree.leaves_with_path(tree)}


def _arrays(state: TrainState) -> dict[str, str]:
    """The name, dtype and shape of every array."""
    return {name: f"{x.dtype}{list(x.shape)}" for name, x in _named(state).items()}


def _intact(folder: Path) -> bool:
    """Whether every file of a checkpoint is as it was written."""
    try:
        return json.loads((folder / DIGESTS).read_text()) == _digests(folder)
    except (OSError, ValueError):
        return False


def _digests(folder: Path) -> dict[str, str]:
    """The digests of what is restored; orbax's notes at the top, which it still changes on commit, are left out."""
    digests = {}
    for path in sorted(folder.glob("*/**/*")):
        if path.is_file() and path.name != "commit_success.txt":
            with path.open("rb") as file:
                digests[str(path.relative_to(folder))] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests


def _agreed(flag: bool) -> bool:
    """Process 0's answer, in every process."""
    if jax.process_count() == 1:
        return flag
    return bool(multihost_utils.broadcast_one_to_all(np.asarray(flag)))


def _is_key(x: Any) -> bool:
    return jnp.issubdtype(x.dtype, jax.dtypes.prng_key)


def _keys_as_data(tree: PyTree) -> PyTree:
    def convert(x: Any) -> Any:
        if not _is_key(x):
            return x
        if not isinstance(x, jax.ShapeDtypeStruct):
            return jax.random.key_data(x)
        data = jax.eval_shape(jax.random.key_data, x)
        return jax.ShapeDtypeStruct(data.shape, data.dtype, sharding=x.sharding)

    return jax.tree.map(convert, tree)


def _data_as_keys(tree: PyTree, target: PyTree) -> PyTree:
    impl = lambda x: jax.random.key_impl(jnp.empty((), x.dtype))
    return jax.tree.map(lambda x, t: jax.random.wrap_key_data(x, impl=impl(t)) if _is_key(t) else x, tree, target)


def _quiet_orbax() -> None:
    """A failure reaches the user as one line of ours, not as the traces of orbax's threads and their closed loops."""
    logging.getLogger("absl").addFilter(_not_from_orbax)
    if getattr(sys.unraisablehook, "func", None) is not _unless_loop_is_closed:
        sys.unraisablehook = partial(_unless_loop_is_closed, sys.unraisablehook)


def _not_from_orbax(record: logging.LogRecord) -> bool:
    return "/orbax/" not in record.pathname


def _unless_loop_is_closed(report: Callable[[Any], object], event: Any) -> None:
    if not (isinstance(event.exc_value, RuntimeError) and str(event.exc_value) == "Event loop is closed"):
        report(event)
