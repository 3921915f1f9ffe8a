"""Tokens are written as the text that they stand for."""

import numpy as np
import pytest

from genjax_models.core.errors import UserError
from genjax_models.data.spec import tokens
from genjax_models.modalities.tokens import RULE, TOKENS

LETTERS = tuple("abcé 水\n")


def write(stored, path, field):
    TOKENS.writer(path, field)(stored, path, field)


def test_texts_are_the_joined_entries_with_a_rule_between_them(tmp_path):
    path, texts = tmp_path / "samples.txt", ["bé a水", "a\n\nbc"]  # a blank line within a text is no separator
    write(np.array([[LETTERS.index(c) for c in text] for text in texts], np.int32), path, tokens(5, 7, LETTERS))
    assert path.read_bytes().decode("utf-8").removesuffix("\n").split(RULE) == texts


def test_entries_may_be_longer_than_a_letter(tmp_path):
    path = tmp_path / "samples.txt"
    write(np.array([[2, 0, 1]], np.int32), path, tokens(3, 3, ("the", " end", "In ")))
    assert path.read_text(encoding="utf-8") == "In the end\n"


def test_tokens_without_an_entry_show_their_number(tmp_path):
    path = tmp_path / "samples.txt"
    write(np.array([[0, 7, -1, 1]], np.int32), path, tokens(4, 8, LETTERS))
    assert path.read_text(encoding="utf-8") == "a<7><-1>b\n"


def test_a_vocabulary_without_names_is_written_as_numbers(tmp_path):
    path, stored = tmp_path / "samples.txt", np.arange(12, dtype=np.int32).reshape(3, 4) * 1000
    write(stored, path, tokens(4, 12_000))
    np.testing.assert_array_equal(np.loadtxt(path, dtype=np.int32), stored)


def test_arrays_keep_numbers_and_dtype(tmp_path):
    path, stored = tmp_path / "samples.npz", np.arange(12, dtype=np.int32).reshape(3, 4)
    write(stored, path, tokens(4, 12))
    saved = np.load(path)["tokens"]
    np.testing.assert_array_equal(saved, stored)
    assert saved.dtype == np.int32


def test_models_take_tokens_as_they_are():
    stored = np.arange(5, dtype=np.int32)
    assert TOKENS.to_model(stored) is stored and TOKENS.to_stored(stored) is stored and TOKENS.clip(stored) is stored
    assert TOKENS.dequantize is None and TOKENS.mirror is None


def test_other_formats_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"a\.png: tokens data of shape \(4,\) are written to \.txt, \.npz$"):
        TOKENS.writer(tmp_path / "a.png", tokens(4, 12))
