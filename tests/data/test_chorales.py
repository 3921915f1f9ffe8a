"""Bach's chorales: what is read out of a score, the split by works, and the windows."""

import hashlib
import sys

import mido
import numpy as np
import pytest
from music21 import common, converter, corpus, note, stream, tie

from genjax_models.core.errors import UserError
from genjax_models.data import chorales, data_spec, load
from genjax_models.data import fetch as fetch_module
from genjax_models.data.chorales import FIRST, HOLD, LOWEST, QUARTER, REST, VOCABULARY, VOICES, split_works, voices_of
from genjax_models.data.fetch import fetch
from genjax_models.modalities.music import notes_of

silent = lambda line: None


def score_of(*voices):
    """A score of voices in music21's tiny notation."""
    score = stream.Score()
    for name, notes in zip(VOICES, voices, strict=False):
        part = converter.parse(f"tinyNotation: 4/4 {notes}")
        part.partName = name
        score.insert(0, part)
    return score


def names(tokens):
    return [[VOCABULARY[token] for token in step] for step in tokens.tolist()]


def test_the_tokens_of_a_score():
    """A quarter and two eighths, a half, a rest and a quarter, four sixteenths and a half tied to an eighth."""
    tokens = voices_of(score_of("c'4 d'8 e'8 r2", "c'2 r2", "r4 f#4 r2", "C16 D16 E16 F16 G2~ G8 r8"))
    soprano, alto, tenor, bass = map(list, zip(*names(tokens), strict=True))
    hold = ["hold"]
    assert soprano == ["C5", *hold * 3, "D5", "hold", "E5", "hold", *["rest"] * 8]
    assert alto == ["C5", *hold * 7, *["rest"] * 8]
    assert tenor == [*["rest"] * 4, "F#4", *hold * 3, *["rest"] * 8]
    assert bass == ["C3", "D3", "E3", "F3", "G3", *hold * 9, "rest", "rest"]


def test_what_begins_between_two_sixteenths_is_heard_at_the_next_or_never():
    score = score_of("c'8 r8 r2 r4", "r1", "r1", "r1")
    part = score.parts[0]
    part.measure(1).insert(0.625, note.Note("G4", quarterLength=0.25))  # from sixteenth 2.5 to 3.5
    part.measure(1).insert(1.125, note.Note("A4", quarterLength=0.0625))
    assert [step[0] for step in names(voices_of(score))] == ["C5", "hold", "rest", "G4", *["rest"] * 12]


def test_a_score_without_the_four_voices_is_none():
    assert voices_of(score_of("c'1", "c'1", "c1")) is None
    unnamed = score_of("c'1", "c'1", "c1", "C1")
    for part in unnamed.parts:
        part.partName = None
    assert voices_of(unnamed).shape == (16, 4)


def test_a_note_out_of_range_is_refused():
    with pytest.raises(ValueError, match="the note 24 of the bass is outside 36 to 81"):
        voices_of(score_of("c'1", "c'1", "c1", "CCC1"))


@pytest.mark.parametrize("work", ["bwv269", "bwv248.12-2", "bwv10.7"])
def test_a_chorale_sounds_like_what_music21_plays(work, tmp_path):
    score = corpus.parse(f"bach/{work}").expandRepeats()  # as they are played
    tokens, path = voices_of(score), tmp_path / "score.mid"
    score.write("midi", fp=path)
    file = mido.MidiFile(path)
    played = []
    for track in file.tracks:
        now, begun, notes = 0, {}, []
        for message in track:
            now += message.time
            if message.type == "note_on" and message.velocity:
                begun[message.note] = now
            elif message.type in ("note_on", "note_off"):
                sixteenth = file.ticks_per_beat / QUARTER
                notes.append((message.note, begun[message.note] / sixteenth, now / sixteenth))
        if notes:
            played.append(sorted(notes, key=lambda note: note[1]))
    first = min(notes[0][1] for notes in played)  # the upbeat may be filled up
    shift = first - min(notes_of(voice, VOCABULARY)[0].start for voice in tokens.T)
    ours = [[(p, a + shift, b + shift) for p, a, b in notes_of(voice, VOCABULARY)] for voice in tokens.T]
    assert played == ours


def test_tied_notes_are_one():
    first, second = note.Note("C4", quarterLength=1), note.Note("C4", quarterLength=1)
    first.tie, second.tie = tie.Tie("start"), tie.Tie("stop")
    score = score_of("r1", "r1", "r1", "r1")
    measure = score.parts[1].measure(1)
    measure.remove(measure.notesAndRests[0])
    measure.insert(0, first)
    measure.insert(1, second)
    alto = [step[1] for step in names(voices_of(score))]
    assert alto[:8] == ["C4", *["hold"] * 7]


def test_movements_of_a_work_are_in_one_split():
    pieces = [f"bwv{work}.{movement}.mxl" for work in range(1, 41) for movement in (1, 2)]
    splits = split_works(pieces)
    assert sorted(piece for found in splits.values() for piece in found) == sorted(pieces)
    works = {split: {chorales.work_of(name) for name in found} for split, found in splits.items()}
    assert works["test"] == {1, 11, 21, 31} and works["validation"] == {2, 12, 22, 32}
    assert len(works["train"]) == 32
    with pytest.raises(ValueError, match="not named by a number"):
        split_works(["choral.mxl"])


def test_copies_are_left_out():
    one, two = np.zeros((4, 4), np.uint8), np.ones((4, 4), np.uint8)
    assert list(chorales.without_copies({"c": one, "a": two, "b": one})) == ["a", "b"]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A data folder with twelve short pieces of twelve works, by the real builder; work k begins with note 60 + k."""
    folder, root = tmp_path_factory.mktemp("corpus"), tmp_path_factory.mktemp("tfds")
    (folder / "bach").mkdir()
    together = b""
    for work in range(1, 13):
        score = score_of("c'1 d'1", "c'1 d'1", "c1 d1", "C1 D1")
        score.parts[0].measure(1).notes[0].pitch.midi = 60 + work
        score.write("mxl", fp=folder / "bach" / f"bwv{work}.mxl")
    together = b"".join(file.read_bytes() for file in sorted((folder / "bach").glob("*.mxl")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(common, "getCorpusFilePath", lambda: folder)
        with pytest.raises(UserError, match="is not the file expected: sha256"):
            fetch("chorales", data_dir=root, say=silent)
        patch.setattr(fetch_module, "CHORALES_SHA256", hashlib.sha256(together).hexdigest())
        fetch("chorales", data_dir=root, say=silent)
    return root


@pytest.mark.parametrize(
    ("split", "works"), [("train", [3, 4, 5, 6, 7, 8, 9, 10]), ("validation", [2, 12]), ("test", [1, 11])]
)
def test_windows_are_within_a_piece(root, split, works):
    """Of 32 sixteenths, in windows of 12: for training 6 of a piece, at quarters; otherwise 2."""
    dataset = load("chorales", split, data_dir=root, length=12)
    starts = range(0, 21, QUARTER) if split == "train" else (0, 12)
    assert dataset.x.shape == (len(works) * len(starts), 48) and dataset.x.dtype == np.int32
    windows = dataset.x.reshape(len(works), len(starts), 12, 4)
    first = [VOCABULARY.index("D5"), VOCABULARY.index("D5"), VOCABULARY.index("D4"), VOCABULARY.index("D3")]
    found = sorted(windows[:, 0, 0, 0] - FIRST + LOWEST - 60)
    assert found == works
    for window, start in zip(windows[0], starts, strict=True):
        for step in range(12):
            if start + step == 16:
                np.testing.assert_array_equal(window[step], first)
            elif start + step > 0:
                np.testing.assert_array_equal(window[step], HOLD)


def test_the_spec_needs_no_data():
    field = data_spec("chorales", length=16).field
    assert (field.shape, field.size, field.voices, field.rate) == ((64,), 48, 4, 4.8)
    assert field.names[REST] == "rest" and field.names[HOLD] == "hold" and field.names[FIRST] == "C2"


@pytest.mark.parametrize(
    ("length", "message"),
    [(0, "expected at least 1 sixteenth"), (33, "have at most 32 sixteenths in its split test: windows of length=33")],
)
def test_lengths_that_do_not_fit_are_one_line(root, length, message):
    with pytest.raises(UserError, match=message) as error:
        load("chorales", "test", data_dir=root, length=length)
    assert "\n" not in str(error.value)


def test_without_the_package_of_scores_one_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "music21", None)
    with pytest.raises(
        UserError, match=r"package music21 is not installed: run `pip install 'genjax_models\[music\]'`"
    ):
        fetch("chorales", data_dir=tmp_path, say=silent)
