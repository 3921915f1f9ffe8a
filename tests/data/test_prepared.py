"""Prepared TFDS sets: round trips, the copy in memory, and everything that can be wrong with them."""

import shutil
import sys

import numpy as np
import pytest
import tensorflow_datasets as tfds

from genjax_models.core.errors import UserError
from genjax_models.data import batches, load, prepared, stream
from genjax_models.data.digits import load_digits
from genjax_models.data.fetch import fetch
from genjax_models.data.prepared import find_prepared, read_into_memory


@pytest.fixture(scope="module")
def digits_folder(tmp_path_factory):
    return fetch("digits", data_dir=tmp_path_factory.mktemp("tfds"), say=lambda line: None)


@pytest.fixture
def folder(digits_folder, tmp_path):
    """A fresh copy, to be damaged."""
    return shutil.copytree(digits_folder, tmp_path / "digits" / "1.0.0")


def in_file_order(dataset):
    """Rows sorted by their bytes and label: TFDS shuffles when it prepares."""
    rows = np.concatenate([dataset.x.reshape(dataset.size, -1), dataset.label[:, None].astype(np.uint8)], 1)
    return rows[np.lexsort(rows.T)]


@pytest.mark.parametrize("split", ["train", "test"])
def test_what_was_prepared_is_read_back_the_same(folder, split):
    decoded = read_into_memory("digits", split, folder)
    np.testing.assert_array_equal(in_file_order(decoded), in_file_order(load_digits(split)))
    assert decoded.x.dtype == np.uint8 and decoded.label.dtype == np.int32 and decoded.spec.num_classes == 10
    cached = read_into_memory("digits", split, folder)
    np.testing.assert_array_equal(cached.x, decoded.x)
    np.testing.assert_array_equal(cached.label, decoded.label)


def test_tfds_itself_reads_it_without_tensorflow(digits_folder):
    source = tfds.data_source("digits", split="test", data_dir=digits_folder.parent.parent)
    assert len(source) == 296 and source[0]["image"].shape == (8, 8, 1)
    assert "tensorflow" not in sys.modules


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty", "stale"])
def test_a_damaged_or_stale_copy_in_memory_is_noticed(folder, damage, monkeypatch):
    original = read_into_memory("digits", "test", folder)
    cache = folder / "memory_test.npz"
    data = bytearray(cache.read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 1
    kept = {"truncate": data[: len(data) // 2], "empty": b""}.get(damage, data)
    cache.write_bytes(kept)
    if damage == "stale":
        (folder / "features.json").touch()
    warnings = []
    monkeypatch.setattr(prepared.logging, "warning", lambda *line: warnings.append(line[0] % line[1:]))
    np.testing.assert_array_equal(read_into_memory("digits", "test", folder).x, original.x)
    assert len(warnings) == 1 and "stale or damaged" in warnings[0]
    read_into_memory("digits", "test", folder)  # written anew
    assert len(warnings) == 1


def test_damaged_records_are_one_line_that_says_what_to_do(folder):
    (records,) = folder.glob("*train.array_record*")
    data = bytearray(records.read_bytes())
    data[20_000:60_000] = bytes(40_000)
    records.write_bytes(data)
    with pytest.raises(UserError, match="fetch digits") as error:
        read_into_memory("digits", "train", folder)
    assert "\n" not in str(error.value)


def test_a_copy_that_cannot_be_written_is_no_fault(folder, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(prepared.np, "savez", full)
    assert read_into_memory("digits", "test", folder).size == 296
    assert not list(folder.glob("*memory*"))


def test_a_missing_set_names_the_command_that_gets_it(tmp_path):
    with pytest.raises(UserError, match=r"python -m genjax_models.data fetch fashion_mnist"):
        load("fashion_mnist", data_dir=tmp_path)
    with pytest.raises(UserError, match="did you mean 'fashion_mnist'"):
        load("fasion_mnist", data_dir=tmp_path)
    with pytest.raises(UserError, match="fetch food101"):
        stream("food101", data_dir=tmp_path)


def test_a_missing_split_names_those_there_are(folder):
    with pytest.raises(UserError, match="no split 'dev': choose one of train, test"):
        read_into_memory("digits", "dev", folder)


def test_the_newest_version_is_taken_by_number(tmp_path):
    for version in ("2.0.0", "10.0.0", "9.1.0", "incomplete.X_11.0.0"):
        (tmp_path / "some" / version).mkdir(parents=True)
    for version in ("2.0.0", "10.0.0", "9.1.0"):
        (tmp_path / "some" / version / "dataset_info.json").touch()
    assert find_prepared("some", tmp_path) == tmp_path / "some" / "10.0.0"
    assert find_prepared("other", tmp_path) is None


def test_a_set_too_large_for_memory_is_streamed(digits_folder, monkeypatch):
    monkeypatch.setattr(prepared, "MEMORY_LIMIT", 1000)
    with pytest.raises(UserError, match="stream"):
        read_into_memory("digits", "train", digits_folder)


@pytest.mark.parametrize("threads", [0, 2])
def test_streamed_batches_are_those_of_the_copy_in_memory(folder, threads):
    expected = batches(read_into_memory("digits", "train", folder), 64, seed=1)
    streamed = batches(prepared.ImageSource("digits", "train", folder), 64, seed=1, threads=threads)
    for _ in range(3):
        one, other = next(expected), next(streamed)
        np.testing.assert_array_equal(one["x"], other["x"])
        np.testing.assert_array_equal(one["label"], other["label"])
    assert expected.get_state() == streamed.get_state()


def test_streamed_images_are_scaled_to_the_side(folder):
    source = prepared.ImageSource("digits", "test", folder, side=4)
    batch = source.take(np.arange(5))
    assert batch["x"].shape == (5, 4, 4, 1) and source.spec.shape == (4, 4, 1)
    full = prepared.ImageSource("digits", "test", folder).take(np.arange(5))
    assert abs(batch["x"].mean() - full["x"].mean()) < 10  # scaling keeps the brightness
