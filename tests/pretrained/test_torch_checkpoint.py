"""Our reader of PyTorch checkpoints, on files written by hand: no PyTorch is needed, nor may anything run."""

import os
import pickle
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
from torch_files import Global, Named, Storage, dumped, tensor, write_legacy, write_zip

from genjax_models.core.errors import UserError
from genjax_models.pretrained import load_state_dict
from genjax_models.pretrained.torch_checkpoint import LEGACY_MAGIC

WRITERS = pytest.mark.parametrize("write", [write_zip, write_legacy])


def example():
    """Tensors that share a storage: whole, transposed, a slice; a parameter, an integer scalar, an empty tensor."""
    flat = np.arange(12, dtype=np.float32)
    first, second = Storage("0", flat), Storage("1", np.array([7], np.int64), "LongStorage")
    whole = tensor(first, 0, (3, 4), (4, 1))
    tree = OrderedDict(
        whole=whole,
        transposed=tensor(first, 0, (4, 3), (1, 4)),
        column=tensor(first, 1, (3,), (4,)),
        parameter=Named(Global("torch._utils", "_rebuild_parameter"), (whole, True, OrderedDict())),
        scalar=tensor(second, 0, (), ()),
        empty=tensor(first, 0, (0, 4), (4, 1)),
    )
    matrix = flat.reshape(3, 4)
    arrays = dict(whole=matrix, transposed=matrix.T, column=matrix[:, 1], parameter=matrix, scalar=np.int64(7))
    return tree, arrays | {"empty": np.zeros((0, 4), np.float32)}


@WRITERS
def test_views_of_storages_come_out_as_arrays(tmp_path, write):
    tree, arrays = example()
    write(tmp_path / "model.pth", tree)
    loaded = load_state_dict(tmp_path / "model.pth")
    assert loaded.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(loaded[name], array, err_msg=name)
        assert loaded[name].dtype == array.dtype
        assert loaded[name].flags.owndata or loaded[name].size == 0


@WRITERS
def test_a_file_cut_anywhere_is_refused_in_one_line(tmp_path, write):
    path = tmp_path / "model.pth"
    write(path, example()[0])
    whole = path.read_bytes()
    for size in [0, 1, 10, *range(20, len(whole) - 1, 37), len(whole) - 1]:
        path.write_bytes(whole[:size])
        with pytest.raises(UserError) as caught:
            load_state_dict(path)
        assert "\n" not in str(caught.value)


@WRITERS
def test_nothing_that_a_file_names_is_run(tmp_path, write):
    marker = tmp_path / "ran"

    class Attack:
        def __reduce__(self):
            return os.mkdir, (str(marker),)

    class Hidden(Named):
        """Passes for a tensor when the file is written."""

        def __init__(self):
            super().__init__(Global(os.mkdir.__module__, "mkdir"), (Storage("0", np.zeros(1, np.float32)), str(marker)))

    with pytest.raises(UserError, match=r"it names posix\.mkdir"):
        write(tmp_path / "attack.pth", OrderedDict(a=Hidden()))
        load_state_dict(tmp_path / "attack.pth")
    (tmp_path / "plain.pth").write_bytes(dumped(LEGACY_MAGIC) + dumped(1001) + pickle.dumps(Attack(), protocol=2))
    with pytest.raises(UserError, match=r"it names .*mkdir"):
        load_state_dict(tmp_path / "plain.pth")
    assert not marker.exists()


@WRITERS
@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [(0, (3, 5), (4, 1)), (9, (4,), (1,)), (0, (2,), (-1,)), (-1, (2,), (1,)), (0, (10**9,), (1,)), (0, (2, 2), (1,))],
)
def test_views_outside_of_their_storage_are_refused(tmp_path, write, offset, shape, strides):
    storage = Storage("0", np.arange(12, dtype=np.float32))
    write(tmp_path / "model.pth", OrderedDict(bad=tensor(storage, offset, shape, strides)))
    with pytest.raises(UserError, match=r"no whole PyTorch checkpoint|many times the size of the file"):
        load_state_dict(tmp_path / "model.pth")


def test_other_files_are_refused(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        load_state_dict(tmp_path / "absent.pth")
    (tmp_path / "text.pth").write_text("not a checkpoint")
    with pytest.raises(UserError, match="no whole PyTorch checkpoint"):
        load_state_dict(tmp_path / "text.pth")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(UserError, match="no whole PyTorch checkpoint"):
        load_state_dict(tmp_path / "other.zip")


def test_a_whole_module_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "module.pth", "w") as archive:
        archive.writestr("module/data.pkl", dumped(Named(Global("my_code.nets", "Net"), ())))
    with pytest.raises(UserError, match=r"it names my_code\.nets\.Net"):
        load_state_dict(tmp_path / "module.pth")
    with zipfile.ZipFile(tmp_path / "list.pth", "w") as archive:
        archive.writestr("list/data.pkl", dumped([1, 2]))
    with pytest.raises(UserError, match="no dictionary of tensors"):
        load_state_dict(tmp_path / "list.pth")
