"""Tensors out of a PyTorch checkpoint, without PyTorch and without running anything that the file asks for.

Two containers hold the same kind of pickle, whose tensors are views `(storage, offset, size, stride)` of flat
storages named by persistent ids:

* since PyTorch 1.6 a zip archive: `<root>/data.pkl`, and each storage's raw bytes in `<root>/data/<key>`;
* before, one stream: three small pickles (magic number, protocol, machine), the pickle, a pickled list of storage
  keys, then for each key its number of elements as int64 and its raw bytes.

References:
  https://pytorch.org/docs/stable/notes/serialization.html; the legacy layout is in torch/serialization.py.
"""

import io
import math
import struct
import zipfile
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import ml_dtypes
import numpy as np

from genjax_models.core.errors import UserError
from genjax_models.pretrained import pickled

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C

DTYPES = {
    "torch FloatStorage": np.dtype(np.float32),
    "torch DoubleStorage": np.dtype(np.float64),
    "torch HalfStorage": np.dtype(np.float16),
    "torch BFloat16Storage": np.dtype(ml_dtypes.bfloat16),
    "torch LongStorage": np.dtype(np.int64),
    "torch IntStorage": np.dtype(np.int32),
    "torch ShortStorage": np.dtype(np.int16),
    "torch CharStorage": np.dtype(np.int8),
    "torch ByteStorage": np.dtype(np.uint8),
    "torch BoolStorage": np.dtype(np.bool_),
}


class Storage(NamedTuple):
    """A flat buffer by its key, still to be read."""

    key: str
    dtype: np.dtype
    size: int


class Tensor(NamedTuple):
    """A strided view of a storage, in elements; the view starts at `offset`."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


MOST_SHARED = 4
"""How many times a storage may be read on average: tied weights are few, an attack on the memory is not."""

DAMAGED = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
)
"""What the readers of zip files and of pickles raise on bytes that were changed."""

NAMES = DTYPES | {
    "collections OrderedDict": dict,
    "torch._utils _rebuild_tensor_v2": lambda storage, offset, shape, strides, *_: Tensor(
        storage, offset, shape, strides
    ),
    "torch._utils _rebuild_parameter": lambda tensor, *_: tensor,
}


def load_state_dict(path: str | Path) -> dict[str, np.ndarray]:
    """Reads the state dictionary of a PyTorch module.

    Args:
      path: of a `.pth` or `.pt` file, in the zip or in the older format.

    Returns:
      Arrays by name, on the host, in the dtypes of the file.

    Raises:
      UserError: if the file is missing, damaged, or holds anything but tensors by name.
    """
    try:
        with open(path, "rb") as file:
            tree, storages = (_read_zip if zipfile.is_zipfile(file) else _read_legacy)(file)
        if not isinstance(tree, dict) or not all(isinstance(x, Tensor) for x in tree.values()):
            raise pickled.RefusedError("it is no dictionary of tensors by name")
        needed = sum(math.prod(tensor.shape) * tensor.storage.dtype.itemsize for tensor in tree.values())
        if needed > MOST_SHARED * Path(path).stat().st_size:
            raise pickled.RefusedError(f"its tensors would take {needed:,} bytes, many times the size of the file")
        return {name: _view(tensor, storages[tensor.storage.key]) for name, tensor in tree.items()}
    except FileNotFoundError:
        raise UserError(f"{path} does not exist: give the path of a PyTorch checkpoint") from None
    except pickled.RefusedError as error:
        raise UserError(f"{path} is refused: {error}; expected a PyTorch state dictionary") from None
    except DAMAGED:
        raise UserError(f"{path} is no whole PyTorch checkpoint: download it again") from None


def _read_zip(file: BinaryIO) -> tuple[Any, dict[str, np.ndarray]]:
    file.seek(0)
    with zipfile.ZipFile(file) as archive:
        (index,) = (name for name in archive.namelist() if name.count("/") == 1 and name.endswith("/data.pkl"))
        root = index.removesuffix("data.pkl")
        if f"{root}byteorder" in archive.namelist() and archive.read(f"{root}byteorder") != b"little":
            raise pickled.RefusedError("its numbers are big-endian")
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise pickled.RefusedError("its entries are compressed, which PyTorch's are not")
        storages: dict[str, np.ndarray] = {}

        def persistent(identity: tuple) -> Storage:
            storage = _storage(identity)
            if storage.key in storages:
                return storage
            raw = archive.read(f"{root}data/{storage.key}")
            storages[storage.key] = np.frombuffer(raw, storage.dtype, storage.size)
            return storage

        return pickled.read(io.BytesIO(archive.read(index)), NAMES, persistent), storages


def _read_legacy(file: BinaryIO) -> tuple[Any, dict[str, np.ndarray]]:
    file.seek(0)
    if pickled.read(file) != LEGACY_MAGIC:
        raise ValueError("not the magic number")
    pickled.read(file)  # the protocol
    if not pickled.read(file)["little_endian"]:
        raise pickled.RefusedError("its numbers are big-endian")
    wanted: dict[str, Storage] = {}

    def persistent(identity: tuple) -> Storage:
        storage = _storage(identity)
        return wanted.setdefault(storage.key, storage)

    tree = pickled.read(file, NAMES, persistent)
    storages = {}
    for key in pickled.read(file):
        (size,) = struct.unpack("<q", file.read(8))
        if size != wanted[key].size:
            raise ValueError("sizes of a storage differ")
        storages[key] = np.frombuffer(file.read(size * wanted[key].dtype.itemsize), wanted[key].dtype, size)
    return tree, storages


def _storage(identity: tuple) -> Storage:
    kind, dtype, key, _, size, *_ = identity
    if kind != "storage" or not isinstance(dtype, np.dtype) or not isinstance(key, str) or size < 0:
        raise ValueError("not a storage")
    return Storage(key, dtype, size)


def _view(tensor: Tensor, storage: np.ndarray) -> np.ndarray:
    """The tensor as an array of its own, after checking that the view stays inside its storage."""
    _, offset, shape, strides = tensor
    if min((offset, *shape, *strides)) < 0 or len(shape) != len(strides):
        raise ValueError("negative or missing strides")
    last = offset + sum((length - 1) * stride for length, stride in zip(shape, strides, strict=True))
    if 0 not in shape and (last >= len(storage) or math.prod(shape) > len(storage)):
        raise ValueError("a tensor exceeds its storage")
    bytes_ = [stride * storage.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, bytes_).copy()
