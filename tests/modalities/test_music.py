"""Music is written as MIDI files that other libraries read, as pictures and as tables."""

import mido
import numpy as np
import pytest
from music21 import converter
from PIL import Image

from genjax_models.data.spec import PITCHES, music, pitch_name
from genjax_models.modalities.music import GAP, notes_of
from genjax_models.modalities.tokens import RULE, TOKENS

NAMES = ("rest", "hold", "C4", "F#3", "A5", "B-1")
FIELD = music(8, NAMES, voices=2, rate=4.0)
UPPER = ["C4", "hold", "C4", "hold", "hold", "rest", "A5", "A5"]
LOWER = ["hold", "rest", "F#3", "hold", "hold", "hold", "hold", "hold"]


def sample(*voices):
    return np.array([NAMES.index(name) for step in zip(*voices, strict=True) for name in step], np.int32)


def write(stored, path, field=FIELD):
    TOKENS.writer(path, field)(stored, path, field)


def test_names_of_notes_are_those_of_midi():
    assert [pitch_name(number) for number in (0, 21, 60, 61, 69, 127)] == ["C-1", "A0", "C4", "C#4", "A4", "G9"]
    assert len(PITCHES) == 128 and all(pitch_name(number) == name for name, number in PITCHES.items())


def test_a_note_lasts_until_its_voice_does_something_else():
    tokens = lambda voice: np.array([NAMES.index(name) for name in voice])
    assert notes_of(tokens(UPPER), NAMES) == [(60, 0, 2), (60, 2, 5), (81, 6, 7), (81, 7, 8)]
    assert notes_of(tokens(LOWER), NAMES) == [(54, 2, 8)]


@pytest.mark.parametrize("strange", [[7, 2], [-1, 2], [5, 2], [0, 1, 2]])
def test_what_is_no_note_is_a_rest(strange):
    """A token outside the vocabulary, a name that is no note's, and a hold of a rest."""
    assert notes_of(np.array(strange), (*NAMES[:5], "mask")) == [(60, len(strange) - 1, len(strange))]


def test_music21_reads_the_notes_of_both_samples(tmp_path):
    path = tmp_path / "samples.mid"
    write(np.stack([sample(UPPER, LOWER), sample(LOWER, UPPER)]), path)
    upper, lower = ([(60, 0, 2), (60, 2, 5), (81, 6, 7), (81, 7, 8)], [(54, 2, 8)])
    later = lambda notes: [(pitch, start + 8 + GAP, end + 8 + GAP) for pitch, start, end in notes]
    score = converter.parse(path, quantizePost=False)
    found = [
        [
            (note.pitch.midi, float(4 * note.offset), float(4 * (note.offset + note.quarterLength)))
            for note in part.stripTies().flatten().notes
        ]
        for part in score.parts
    ]
    assert found == [upper + later(lower), lower + later(upper)]


def test_the_tempo_is_the_rate_of_the_field(tmp_path):
    """Two samples of 8 steps with a gap between them, 4 steps a second; the last note ends with the second."""
    path = tmp_path / "samples.mid"
    write(np.stack([sample(UPPER, LOWER)] * 2), path)
    assert mido.MidiFile(path).length == pytest.approx((8 + GAP + 8) / 4)


def test_the_drums_keep_their_channel(tmp_path):
    path, field = tmp_path / "samples.mid", music(1, NAMES, voices=12, rate=4.0)
    write(np.full((1, 12), 2, np.int32), path, field)
    tracks = mido.MidiFile(path).tracks[1:]
    channels = [{message.channel for message in track if not message.is_meta} for track in tracks]
    assert [only for (only,) in channels] == [*range(9), 10, 11, 12]


def test_a_table_has_a_line_for_each_step(tmp_path):
    path = tmp_path / "samples.txt"
    write(np.stack([sample(UPPER, LOWER), sample(LOWER, UPPER)]), path)
    tables = [
        [line.split() for line in text.splitlines()] for text in path.read_text(encoding="utf-8").strip().split(RULE)
    ]
    assert tables == [list(map(list, zip(*voices, strict=True))) for voices in ((UPPER, LOWER), (LOWER, UPPER))]


def test_a_piano_roll_is_a_picture_and_silence_too(tmp_path):
    path = tmp_path / "samples.png"
    write(np.stack([sample(UPPER, LOWER)] * 3), path)
    with Image.open(path) as picture:
        assert picture.format == "PNG" and len(np.unique(np.asarray(picture.convert("L")))) > 10
    write(np.zeros((1, 16), np.int32), path)


def test_formats_need_a_rate_and_channels():
    endings = lambda **options: list(TOKENS.formats(music(4, NAMES, **options)))
    assert endings(voices=4, rate=4.0) == [".mid", ".png", ".txt", ".npz"]
    assert endings(voices=16, rate=4.0) == [".png", ".txt", ".npz"]
    assert endings(voices=4) == [".txt", ".npz"]
