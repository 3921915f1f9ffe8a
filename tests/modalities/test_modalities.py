"""What holds for every modality: their names, their formats, what is imported, and images' and vectors' own files."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from genjax_models.core.errors import UserError
from genjax_models.data.spec import KINDS, DataSpec, image, label, points, tokens, vector, video, waveform
from genjax_models.modalities import MODALITIES, modality_of
from genjax_models.report import tile

FIELDS = {
    "image": image(4, 5, 3),
    "vector": vector(2),
    "tokens": tokens(6, 10),
    "waveform": waveform(300, rate=8000.0),
    "video": video(3, 4, 5, 3, rate=8.0),
    "points": points(7),
}


def samples(field, count=3):
    x = np.random.default_rng(0).integers(0, 10, (count, *field.shape))
    return (x / 10 if field.dtype == "float32" else x).astype(field.dtype)


def test_modalities_are_kinds_of_fields():
    assert set(MODALITIES) == set(FIELDS) <= set(KINDS)


@pytest.mark.parametrize("kind", FIELDS)
def test_every_format_of_a_modality_is_written(kind, tmp_path):
    modality, field = modality_of(DataSpec("set", {"x": FIELDS[kind]})), FIELDS[kind]
    formats = modality.formats(field)
    assert list(formats)[-1] == ".npz" != modality.preview(field)
    for ending in formats:
        path = tmp_path / f"samples{ending}"
        modality.writer(path, field)(samples(field), path, field)
        assert path.stat().st_size > 0


@pytest.mark.parametrize("kind", FIELDS)
def test_to_stored_inverts_to_model_in_the_dtype_of_the_field(kind):
    field, modality = FIELDS[kind], MODALITIES[kind]
    stored = samples(field)
    back = np.asarray(modality.to_stored(modality.to_model(stored)))
    np.testing.assert_array_equal(back, stored)
    assert back.dtype == field.dtype


def test_a_field_without_a_modality_cannot_be_modelled():
    with pytest.raises(UserError, match=r"data set odd: its modelled field 'x' is of kind 'label'; .* image, vector"):
        modality_of(DataSpec("odd", {"x": label(10)}))


def test_a_path_is_refused_where_there_is_no_format_for_it(tmp_path):
    with pytest.raises(UserError, match=r"tokens data of shape \(6,\) are written to \.txt, \.npz$"):
        MODALITIES["tokens"].writer(tmp_path / "path.gif", FIELDS["tokens"], of_path=True)


def test_a_picture_of_images_needs_1_or_3_channels(tmp_path):
    stored = samples(FIELDS["image"])
    MODALITIES["image"].writer(tmp_path / "a.png", FIELDS["image"])(stored, tmp_path / "a.png", FIELDS["image"])
    saved, canvas = np.asarray(Image.open(tmp_path / "a.png")), tile(stored)
    factor = saved.shape[0] // canvas.shape[0]
    np.testing.assert_array_equal(saved[::factor, ::factor], canvas)
    for ending, of_path in ((".png", False), (".gif", True)):
        with pytest.raises(UserError, match=r"are written to \.npz$"):
            MODALITIES["image"].writer(tmp_path / f"a{ending}", image(4, 5, 4), of_path=of_path)


def test_a_path_of_images_is_an_animation(tmp_path):
    frames, path, field = (
        np.stack([samples(FIELDS["image"]) * (t + 1) for t in range(4)]),
        tmp_path / "a.gif",
        FIELDS["image"],
    )
    MODALITIES["image"].writer(path, field, of_path=True)(frames, path, field)
    assert Image.open(path).n_frames == 4
    with pytest.raises(UserError, match=r"are written to \.png, \.npz, \.gif$"):
        MODALITIES["image"].writer(tmp_path / "a.wav", field, of_path=True)


def test_importing_the_modalities_imports_no_plotting_or_sound():
    code = "import sys, genjax_models.modalities; print({'matplotlib', 'scipy.signal', 'scipy.io'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
