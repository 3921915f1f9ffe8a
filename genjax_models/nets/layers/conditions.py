"""The condition of a network: which fields it takes, and class labels as table rows, one-hot vectors and planes."""

from collections.abc import Iterable

import flax.linen as nn
import jax.numpy as jnp

from genjax_models.core.types import Array, Condition


def check_fields(cond: Condition | None, known: Iterable[str]) -> None:
    """Refuse a condition with a field that the network does not take.

    Args:
      cond: named arrays, or `None`.
      known: the names of the fields that the network takes.

    Raises:
      ValueError: if there is another.
    """
    known = tuple(known)
    for name in cond or ():
        if name not in known:
            taken = f"takes {', '.join(known)}" if known else "takes no condition"
            message = f"condition field {name!r} is unknown: the network {taken}"
            raise ValueError(f"{message}; leave it out, or use a network that takes it")


def labels_of(cond: Condition | None, num_classes: int, batch: int, others: tuple[str, ...] = ()) -> Array | None:
    """The row of a label table for each example, `[B]` int32: the null class `num_classes` where no label is given.

    Args:
      cond: named arrays; of these, `label` is an integer `[B]` from 0 to `num_classes`.
      num_classes: 0 for a network without classes.
      batch: B.
      others: names of the other fields that the network takes.

    Returns:
      `None` for a network without classes.

    Raises:
      ValueError: if a label is given to such a network, a label is not an integer an example, or there is a field that
        the network does not take.
    """
    label = None if cond is None else cond.get("label")
    if label is not None and not num_classes:
        raise ValueError("a label was given to a network with num_classes=0; set num_classes")
    check_fields(cond, ("label", *others) if num_classes else others)
    if not num_classes:
        return None
    if label is None:
        return jnp.full((batch,), num_classes, jnp.int32)
    if label.shape != (batch,) or not jnp.issubdtype(label.dtype, jnp.integer):
        raise ValueError(f"condition field 'label' must be integers [{batch}], got {label.dtype} {list(label.shape)}")
    return label


def vector_of(cond: Condition | None, name: str, batch: int) -> Array | None:
    """A vector condition `[B, D]`, or `None` where it is missing.

    Raises:
      ValueError: if it is not a vector an example.
    """
    value = None if cond is None else cond.get(name)
    if value is not None and (value.ndim != 2 or value.shape[0] != batch):
        raise ValueError(f"condition field {name!r} must be vectors [{batch}, D], got shape {list(value.shape)}")
    return value


def one_hot_of(cond: Condition | None, num_classes: int, batch: int) -> Array:
    """The class of each example one-hot, `[B, num_classes]` float32: zeros where there is none.

    Raises:
      ValueError: as `labels_of`.
    """
    label = labels_of(cond, num_classes, batch)
    return jnp.zeros((batch, 0)) if label is None else nn.one_hot(label, num_classes)


def append_class(x: Array, cond: Condition | None, num_classes: int) -> Array:
    """Vectors or images with the one-hot class of their example after the last axis.

    Args:
      x: `[B, ..., C]`.
      cond: `{"label": int32 [B]}`; without it, every example gets the null class, which is zeros.
      num_classes: K, which may be 0.

    Returns:
      `[B, ..., C + K]`, in the dtype of `x`.

    Raises:
      ValueError: as `labels_of`.
    """
    one_hot = one_hot_of(cond, num_classes, x.shape[0]).astype(x.dtype)
    one_hot = one_hot.reshape(x.shape[0], *(1,) * (x.ndim - 2), num_classes)
    return jnp.concatenate([x, jnp.broadcast_to(one_hot, (*x.shape[:-1], num_classes))], axis=-1)
