"""Parameter trees in safetensors files: nested dictionaries under names joined by slashes, with metadata.

The format is a JSON header and raw bytes (https://github.com/huggingface/safetensors): reading one runs nothing.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import flax.traverse_util
import jax
import numpy as np

from genjax_models.core.errors import UserError
from genjax_models.core.optional import optional
from genjax_models.core.types import PyTree

DIGEST = "sha256"
"""The entry of the metadata that `save_tree` adds: of the names, dtypes, shapes and bytes of all arrays."""


def save_tree(path: str | Path, tree: PyTree, metadata: Mapping[str, str] | None = None) -> None:
    """Writes a tree of arrays; the file is there as a whole or not at all, whenever the process dies.

    Args:
      path: of the file; its folder must exist.
      tree: nested dictionaries with arrays as leaves; keys must not contain "/".
      metadata: what to say about them, strings by name.
    """
    with optional("pretrained"):
        import safetensors.numpy  # noqa: PLC0415

    flat = flax.traverse_util.flatten_dict(jax.device_get(tree), sep="/")
    arrays = {name: np.ascontiguousarray(array) for name, array in flat.items()}
    partial = Path(f"{path}.partial")
    metadata = {**(metadata or {}), DIGEST: _digest(arrays)}
    partial.write_bytes(_in_order(safetensors.numpy.save(arrays, metadata=metadata)))
    os.replace(partial, path)


def load_tree(path: str | Path) -> tuple[PyTree, dict[str, str]]:
    """Reads what `save_tree` wrote.

    Returns:
      The tree, its leaves NumPy arrays, and the metadata.

    Raises:
      UserError: if the file is missing, truncated, no safetensors file, or changed since `save_tree` wrote it.
    """
    with optional("pretrained"):
        import safetensors  # noqa: PLC0415

    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            flat = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dictionary
            metadata = file.metadata() or {}
        tree = flax.traverse_util.unflatten_dict(flat, sep="/")
        if flax.traverse_util.flatten_dict(tree, sep="/").keys() != flat.keys():
            raise ValueError("a name is that of an array and of a group")
    except FileNotFoundError:
        raise UserError(f"{path} does not exist: give the path of a safetensors file") from None
    except (safetensors.SafetensorError, OSError, ValueError, TypeError, LookupError, AttributeError) as error:
        reason = str(error).split("\n", maxsplit=1)[0]
        raise UserError(f"{path} is no readable safetensors file ({reason}): restore or download it again") from None
    if metadata.get(DIGEST, digest := _digest(flat)) != digest:
        raise UserError(f"{path} was changed after it was written: its arrays do not have the digest in its header")
    return tree, {name: text for name, text in metadata.items() if name != DIGEST}


def _in_order(data: bytes) -> bytes:
    """The file with its metadata sorted by name, so that equal trees make equal files; their library's order varies."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def _digest(arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


def check_like(path: str | Path, tree: PyTree, expected: PyTree) -> None:
    """Compares the names and shapes of a loaded tree with those that a network needs.

    Args:
      path: where the tree came from, for the message.
      tree: as loaded.
      expected: a tree of anything with a shape, such as `jax.eval_shape` returns.

    Raises:
      UserError: that names the first difference.
    """
    shapes = {name: x.shape for name, x in flax.traverse_util.flatten_dict(tree, sep="/").items()}
    wanted = {name: x.shape for name, x in flax.traverse_util.flatten_dict(expected, sep="/").items()}
    for name in sorted(shapes.keys() | wanted.keys()):
        if shapes.get(name) != wanted.get(name):
            raise UserError(
                f"{path} holds other weights: {name} has the shape {shapes.get(name, 'absent')}, "
                f"expected {wanted.get(name, 'absent')}; check that it belongs to this network"
            )
