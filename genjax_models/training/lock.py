"""One run, one folder: a lock on a run's folder that its process holds, and the system releases when it dies."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jax

from genjax_models.core.errors import UserError
from genjax_models.training.workdir import writing

_held: set[Path] = set()


@contextmanager
def locked(workdir: Path) -> Iterator[None]:
    """Hold `workdir/.lock`; process 0 does, of a run of several. Within the context it may be entered again.

    A file system without locks, as some network ones are, holds none: there two runs are not told apart.

    Raises:
      UserError: if another process holds it; the line names that process.
    """
    path = workdir.absolute() / ".lock"
    if jax.process_index() or path in _held:
        yield
        return
    with writing(workdir):
        workdir.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(file, 200).decode(errors="replace").strip() or "another process"
            raise UserError(f"{workdir} is in use by {holder}: wait for it, or choose another --workdir") from None
        except OSError:
            pass  # no locks on this file system
        os.ftruncate(file, 0)
        os.pwrite(file, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
        _held.add(path)
        yield
    finally:
        _held.discard(path)
        os.close(file)
