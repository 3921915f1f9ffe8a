"""Parameter trees in safetensors files: nested dictionaries under names joined by slashes, with metadata.

The format is a JSON header and raw bytes (https://github.com/huggingface/safetensors): reading one runs nothing.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import flax.traverse_util
import jax
import numpy as np

from genjax_models.core.errors import UserError
from genjax_models.core.optional import optional
from genjax_models.core.types import PyTree


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
    partial.write_bytes(safetensors.numpy.save(arrays, metadata=dict(metadata or {})))
    os.replace(partial, path)


def load_tree(path: str | Path) -> tuple[PyTree, dict[str, str]]:
    """Reads what `save_tree` wrote.

    Returns:
      The tree, its leaves NumPy arrays, and the metadata.

    Raises:
      UserError: if the file is missing, truncated or no safetensors file.
    """
    with optional("pretrained"):
        import safetensors  # noqa: PLC0415

    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            flat = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dictionary
            metadata = file.metadata() or {}
    except FileNotFoundError:
        raise UserError(f"{path} does not exist: give the path of a safetensors file") from None
    except (safetensors.SafetensorError, OSError) as error:
        raise UserError(f"{path} is no readable safetensors file ({error}): restore or download it again") from None
    return flax.traverse_util.unflatten_dict(flat, sep="/"), metadata


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
