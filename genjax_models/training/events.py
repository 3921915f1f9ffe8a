"""TensorBoard event files, written at once and in this thread: a full disk is an error here and now, not a silent
thread that has died, and a killed run loses no event."""

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from genjax_models.core.optional import optional


class Events:
    """The events of one process of a run.

    Args:
      workdir: the run's folder.
      start: steps already taken; TensorBoard discards later steps of earlier files.
    """

    def __init__(self, workdir: Path, start: int):
        # Imported late: where torch is installed, tensorboardX imports it, which takes seconds.
        with optional("train"):
            from tensorboardX import summary  # noqa: PLC0415
            from tensorboardX.event_file_writer import EventsWriter  # noqa: PLC0415
            from tensorboardX.proto.event_pb2 import Event, SessionLog  # noqa: PLC0415

        self._event, self._summary = Event, summary
        self._writer = EventsWriter(str(workdir / "events"), filename_suffix=f".{start}")
        if start:
            restart = SessionLog(status=SessionLog.START)
            self._writer.write_event(Event(wall_time=time.time(), step=start + 1, session_log=restart))

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Add the values of one step."""
        for name, value in values.items():
            self._add(step, self._summary.scalar(name, value))
        self._writer.flush()

    def images(self, step: int, name: str, images: np.ndarray) -> None:
        """Add `images` `[N, H, W, C]` uint8 as one grid."""
        self._add(step, self._summary.image(name, np.asarray(images), dataformats="NHWC"))
        self._writer.flush()

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()

    def _add(self, step: int, summary: object) -> None:
        self._writer.write_event(self._event(wall_time=time.time(), step=step, summary=summary))
