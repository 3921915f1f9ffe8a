"""Piano rolls: notes as bars, their pitch over time."""

from collections.abc import Sequence
from pathlib import Path

OCTAVE = 12


def save_piano_rolls(
    samples: Sequence[Sequence[Sequence[tuple[int, int, int]]]], path: Path | str, *, rate: float
) -> None:
    """Draw each sample in a row, a colour for each voice, into one PNG.

    Args:
      samples: for each voice of each sample its notes: MIDI's number, and the steps where they begin and are over.
      path: the PNG to write; folders are made as needed.
      rate: steps a second.

    Raises:
      ValueError: if there is no sample.
    """
    if not samples:
        raise ValueError("piano rolls need at least one sample")
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(9, 1.4 * len(samples) + 0.6), layout="constrained")
    rows = figure.subplots(len(samples), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for row, voices in zip(rows, samples, strict=True):
        for number, notes in enumerate(voices):
            bars = [(start / rate, (end - start) / rate) for _, start, end in notes]
            for bar, (pitch, _, _) in zip(bars, notes, strict=True):
                row.broken_barh(
                    [bar], (pitch - 0.4, 0.8), facecolors=f"C{number % 10}", edgecolors="white", linewidth=0.3
                )
        row.grid(axis="y", linewidth=0.3)
    pitches = [note[0] for voices in samples for notes in voices for note in notes] or [60]
    octaves = range(min(pitches) // OCTAVE * OCTAVE, max(pitches) + OCTAVE, OCTAVE)
    rows[0].set_yticks(list(octaves), [f"C{pitch // OCTAVE - 1}" for pitch in octaves])
    rows[0].set_ylim(min(pitches) - 1, max(pitches) + 1)
    rows[-1].set_xlabel("seconds")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)
