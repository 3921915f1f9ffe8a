"""The readers of files from elsewhere, on bytes that were changed at random: arrays, or one line; never much memory."""

import io
import struct
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save
from torch_files import Global, Named, Storage, tensor, write_legacy, write_zip

from genjax_models.core.errors import UserError
from genjax_models.core.trees import load_tree, save_tree
from genjax_models.pretrained import load_state_dict

WEIGHTS = {"a": np.arange(12, dtype=np.float32).reshape(3, 4), "group": {"b": np.ones(2, np.float16)}}
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "insert", "repeat"]), st.floats(0, 1), st.integers(0, 255), st.integers(1, 40)
    ),
    min_size=1,
    max_size=4,
)
BOUNDED = settings(
    max_examples=250,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def changed(whole, changes):
    data = bytearray(whole)
    for kind, where, byte, length in changes:
        at = int(where * max(0, len(data) - 1))
        if kind == "flip" and data:
            data[at] ^= byte or 1
        elif kind == "cut":
            del data[at : at + length]
        elif kind == "insert":
            data[at:at] = bytes([byte]) * length
        else:
            data[at:at] = data[at : at + length]
    return bytes(data)


def torch_bytes(write, tmp_path):
    flat = Storage("0", np.arange(12, dtype=np.float32))
    whole = tensor(flat, 0, (3, 4), (4, 1))
    parameter = Named(Global("torch._utils", "_rebuild_parameter"), (whole, True, OrderedDict()))
    write(tmp_path / "whole.pth", OrderedDict(whole=whole, parameter=parameter, column=tensor(flat, 1, (3,), (4,))))
    return (tmp_path / "whole.pth").read_bytes()


def read_or_one_line(read, path):
    """The bytes that were read, 0 where the file was refused."""
    try:
        found = read(path)
    except UserError as error:
        assert "\n" not in str(error)
        return 0
    assert all(isinstance(array, np.ndarray) for array in found)
    return sum(array.nbytes for array in found)


@pytest.mark.slow
@pytest.mark.parametrize("write", [write_zip, write_legacy])
def test_changed_checkpoints_of_pytorch(tmp_path, write):
    whole, path = torch_bytes(write, tmp_path), tmp_path / "changed.pth"

    @BOUNDED
    @given(CHANGES)
    def check(changes):
        path.write_bytes(changed(whole, changes))
        assert read_or_one_line(lambda p: load_state_dict(p).values(), path) <= 4 * path.stat().st_size

    check()


@pytest.mark.slow
def test_changed_safetensors(tmp_path):
    """What `save_tree` wrote is either read as it was or refused."""
    path = tmp_path / "changed.safetensors"
    save_tree(path, WEIGHTS)
    whole = path.read_bytes()

    def read(path):
        tree, _ = load_tree(path)
        np.testing.assert_array_equal(tree["a"], WEIGHTS["a"])
        np.testing.assert_array_equal(tree["group"]["b"], WEIGHTS["group"]["b"])
        return [tree["a"]]

    @BOUNDED
    @given(CHANGES)
    def check(changes):
        path.write_bytes(changed(whole, changes))
        try:
            read_or_one_line(read, path)
        except (
            KeyError
        ):  # a name in the header, whose digest is of names too, was changed together with the digest's own
            assert b'"sha256"' not in path.read_bytes()

    check()


@pytest.mark.parametrize(
    ("shape", "strides"), [((500_000_000,), (0,)), ((1000, 500_000), (0, 0)), ((3, 1000), (4, 0)), ((13,), (0,))]
)
@pytest.mark.parametrize("write", [write_zip, write_legacy])
def test_a_tensor_that_repeats_its_storage_is_refused(tmp_path, write, shape, strides):
    flat = Storage("0", np.arange(12, dtype=np.float32))
    write(tmp_path / "big.pth", OrderedDict(x=tensor(flat, 0, shape, strides)))
    with pytest.raises(UserError):
        load_state_dict(tmp_path / "big.pth")


@pytest.mark.parametrize("write", [write_zip, write_legacy])
def test_many_tensors_of_one_storage_are_refused(tmp_path, write):
    """200 names of one storage of 400 kB: 80 MB out of a file of 0.4."""
    flat = Storage("0", np.zeros(100_000, np.float32))
    write(tmp_path / "many.pth", OrderedDict((str(i), tensor(flat, 0, (100_000,), (1,))) for i in range(200)))
    with pytest.raises(UserError, match="many times the size of the file"):
        load_state_dict(tmp_path / "many.pth")


def test_compressed_entries_are_refused(tmp_path):
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model/data.pkl", b"\x80\x02}.")
        archive.writestr("model/data/0", bytes(10_000_000))
    (tmp_path / "bomb.pth").write_bytes(whole.getvalue())
    with pytest.raises(UserError, match="its entries are compressed"):
        load_state_dict(tmp_path / "bomb.pth")


@pytest.mark.parametrize(
    "header",
    [
        b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a/b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
        b'{"a":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}}',
        b'{"a":{"dtype":"F4","shape":[16],"data_offsets":[0,8]}}',
        b'{"a":{"dtype":"F32","shape":[1000000000],"data_offsets":[0,8]}}',
        b"[]",
    ],
)
def test_names_that_collide_and_other_headers_are_one_line(tmp_path, header):
    path = tmp_path / "odd.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(8))
    with pytest.raises(UserError, match="no readable safetensors file") as error:
        load_tree(path)
    assert "\n" not in str(error.value)


def test_a_flipped_bit_of_an_array_is_noticed(tmp_path):
    path = tmp_path / "tree.safetensors"
    save_tree(path, WEIGHTS)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match="was changed after it was written"):
        load_tree(path)


def test_files_of_other_writers_have_no_digest(tmp_path):
    path = tmp_path / "other.safetensors"
    path.write_bytes(save({"a": np.ones(3, np.float32)}))
    np.testing.assert_array_equal(load_tree(path)[0]["a"], 1.0)
