"""Music: tokens of several voices, as MIDI files, piano rolls and tables of note names.

A field of music has `voices`; the tokens of one step follow each other, voice by voice, and `rate` steps are played in
a second. An entry of the vocabulary is the name of a note that begins, such as `C4` or `F#3` (C4 is MIDI's 60), or
`hold` for a note that goes on. Whatever else is a rest, `hold` without a note before it too.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from genjax_models.core.optional import optional
from genjax_models.data.spec import PITCHES, Field
from genjax_models.modalities.modality import Writer

STEPS_PER_QUARTER = 4
TICKS = 120
"""Of a step in a MIDI file, whose quarter notes have four steps."""

GAP = 16
"""Steps of silence between two samples of a MIDI file."""

ORGAN, LOUDNESS, DRUMS = 19, 80, 9
"""General MIDI's church organ, counted from 0; of 127; the channel that has drums in place of notes."""

SHOWN = 8
"""Samples of a picture, at most."""


class Note(NamedTuple):
    """A note of one voice.

    Attributes:
      pitch: MIDI's number.
      start: the step where it begins.
      end: the step where it is over.
    """

    pitch: int
    start: int
    end: int


def notes_of(tokens: np.ndarray, names: tuple[str, ...]) -> list[Note]:
    """The notes of one voice `[T]`, in their order."""
    notes: list[Note] = []
    for step, token in enumerate(tokens.tolist()):
        name = names[token] if 0 <= token < len(names) else ""
        if name in PITCHES:
            notes.append(Note(PITCHES[name], step, step + 1))
        elif name == "hold" and notes and notes[-1].end == step:
            notes[-1] = notes[-1]._replace(end=step + 1)
    return notes


def voices_of(tokens: np.ndarray, field: Field) -> list[list[Note]]:
    """The notes of each voice of one sample `[L]`."""
    return [notes_of(voice, field.names) for voice in tokens.reshape(-1, field.voices).T]


def write_midi(stored: np.ndarray, path: Path, field: Field) -> None:
    """The samples `[N, L]` one after the other in one file, with `GAP` steps between them; a track for each voice."""
    with optional("music"):
        import mido  # noqa: PLC0415

    file = mido.MidiFile(type=1, ticks_per_beat=STEPS_PER_QUARTER * TICKS)
    tempo = mido.MetaMessage("set_tempo", tempo=round(1e6 * STEPS_PER_QUARTER / field.rate))
    file.tracks.append(mido.MidiTrack([tempo]))
    samples = [voices_of(tokens, field) for tokens in stored]
    length = stored.shape[1] // field.voices + GAP
    for voice in range(field.voices):
        channel = voice + (voice >= DRUMS)
        track = mido.MidiTrack([mido.Message("program_change", channel=channel, program=ORGAN)])
        now = 0
        for number, sample in enumerate(samples):
            for note in sample[voice]:
                for kind, step in (("note_on", note.start), ("note_off", note.end)):
                    at = TICKS * (number * length + step)
                    track.append(mido.Message(kind, channel=channel, note=note.pitch, velocity=LOUDNESS, time=at - now))
                    now = at
        file.tracks.append(track)
    file.save(path)


def write_piano_rolls(stored: np.ndarray, path: Path, field: Field) -> None:
    """The first `SHOWN` samples, pitch over time."""
    from genjax_models.report import save_piano_rolls  # noqa: PLC0415

    save_piano_rolls([voices_of(tokens, field) for tokens in stored[:SHOWN]], path, rate=field.rate)


def to_table(tokens: np.ndarray, field: Field) -> str:
    """One sample `[L]`: a line a step, a column a voice."""
    width = max(map(len, field.names))
    cells = [field.names[i] if 0 <= i < len(field.names) else f"<{i}>" for i in tokens.tolist()]
    rows = [cells[i : i + field.voices] for i in range(0, len(cells), field.voices)]
    return "\n".join(" ".join(cell.ljust(width) for cell in row).rstrip() for row in rows)


def formats(field: Field) -> Mapping[str, Writer]:
    """What sounds needs a rate, and each voice a channel of its own: MIDI has 15 beside the drums."""
    sound: Mapping[str, Writer] = {".mid": write_midi} if field.rate > 0 and field.voices <= 15 else {}
    return {**sound, **({".png": write_piano_rolls} if field.rate > 0 else {})}
