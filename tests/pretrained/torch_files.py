"""Checkpoints in PyTorch's two formats, written by hand: the tests of the reader need no PyTorch."""

import io
import pickle
import struct
import zipfile
from collections import OrderedDict

import numpy as np

from genjax_models.pretrained.torch_checkpoint import LEGACY_MAGIC


class Named:
    """Pickles as a call of the global `name` with `arguments`."""

    def __init__(self, name, arguments):
        self.name, self.arguments = name, arguments


class Storage:
    """Pickles as a persistent id."""

    def __init__(self, key, array, kind="FloatStorage"):
        self.key, self.array, self.kind = key, array, kind


class Global:
    """Pickles as a global."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class TorchPickler(pickle._Pickler):  # the pure-Python one: its `save_global` can write names that do not exist here
    def persistent_id(self, obj):
        if isinstance(obj, Storage):
            return ("storage", Global("torch", obj.kind), obj.key, "cpu", obj.array.size)
        return None

    def save(self, obj, save_persistent_id=True):
        if isinstance(obj, Global):
            self.write(b"c" + f"{obj.module}\n{obj.name}\n".encode())
        elif isinstance(obj, Named):
            self.save(obj.name)
            self.save(obj.arguments)
            self.write(b"R")
        else:
            super().save(obj, save_persistent_id)


def dumped(obj):
    stream = io.BytesIO()
    TorchPickler(stream, protocol=2).dump(obj)
    return stream.getvalue()


def tensor(storage, offset, shape, strides):
    rebuild = Global("torch._utils", "_rebuild_tensor_v2")
    return Named(rebuild, (storage, offset, shape, strides, False, OrderedDict()))


def storages_of(tree):
    found = {}
    for value in tree.values():
        storage = value.arguments[0]
        if isinstance(storage, Named):  # a parameter, around its tensor
            storage = storage.arguments[0]
        found[storage.key] = storage
    return found


def write_zip(path, tree):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", dumped(tree))
        archive.writestr("model/byteorder", "little")
        for key, storage in storages_of(tree).items():
            archive.writestr(f"model/data/{key}", storage.array.tobytes())


def write_legacy(path, tree):
    with open(path, "wb") as file:
        for head in (LEGACY_MAGIC, 1001, {"little_endian": True, "protocol_version": 1001}):
            file.write(dumped(head))
        found = storages_of(tree)
        file.write(dumped(tree) + dumped(list(found)))
        for storage in found.values():
            file.write(struct.pack("<q", storage.array.size) + storage.array.tobytes())


def state_dict(arrays):
    """Contiguous float32 tensors by name, each in a storage of its own."""

    def strides(shape):
        return tuple(int(np.prod(shape[axis + 1 :])) for axis in range(len(shape)))

    return OrderedDict(
        (name, tensor(Storage(str(i), np.float32(array).ravel()), 0, np.shape(array), strides(np.shape(array))))
        for i, (name, array) in enumerate(arrays.items())
    )
