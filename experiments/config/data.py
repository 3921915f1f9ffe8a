"""The data set that a config names, and what a model of it is conditioned on: `config.data` and `config.condition`."""

from collections.abc import Iterable, Mapping
from typing import Any

import jax.numpy as jnp
from ml_collections import ConfigDict

from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Condition, Key, PyTree
from genjax_models.data import ArrayDataset, data_spec, load
from genjax_models.data.spec import DataSpec, Field
from genjax_models.modalities import Modality
from genjax_models.training import SampleRequest

VECTORS = ("text", "vector")
"""Kinds of fields that networks take as vectors."""


def spec_of(config: ConfigDict) -> DataSpec:
    """The fields of the data set `config.data`: its name and its options.

    Raises:
      UserError: if there is no such set, or it has no such option.
    """
    return data_spec(**config.data)


def dataset_of(config: ConfigDict, split: str) -> ArrayDataset:
    """One split of the data set `config.data`.

    Raises:
      UserError: as `genjax_models.data.load`.
    """
    return load(split=split, **config.data)


def network_fields(spec: DataSpec, conditions: Iterable[str]) -> dict[str, Any]:
    """The fields of a network that takes these conditions: `num_classes`, and `vectors` where there are any.

    Raises:
      UserError: if the set has no such field, or no network takes one of its kind.
    """
    fields = spec.conditions(conditions)
    for name, field in fields.items():
        if field.kind not in ("label", *VECTORS):
            raise UserError(f"config.condition: no network takes {name!r}, a field of {field.kind}")
    if strange := [name for name, field in fields.items() if field.kind == "label" and name != "label"]:
        raise UserError(f"config.condition: networks take one label, `label`, not {', '.join(strange)}")
    vectors = tuple(name for name, field in fields.items() if field.kind in VECTORS)
    return {"num_classes": fields["label"].size if "label" in fields else 0} | ({"vectors": vectors} if vectors else {})


def model_values(config: ConfigDict, modality: Modality, x: Array, *, key_flip: Key, key_noise: Key) -> Array:
    """A training batch of stored values as a model sees it, mirrored and dequantised as `config.train` says.

    Raises:
      UserError: if that has no meaning for this kind of data.
    """
    for field, able in (("flip", modality.mirror), ("dequantize", modality.dequantize)):
        if config.train[field] and able is None:
            raise UserError(f"config.train.{field}=True has no meaning for data of {modality.name}: set it to False")
    if config.train.flip and modality.mirror is not None:
        x = modality.mirror(key_flip, x)
    if config.train.dequantize and modality.dequantize is not None:
        return modality.dequantize(key_noise, x)
    return modality.to_model(x)


def condition_of(conditions: Iterable[str], batch: PyTree) -> Condition | None:
    """The fields of a batch that a model is conditioned on; `None` where there are none."""
    return {name: batch[name] for name in conditions} or None


def example_condition(spec: DataSpec, conditions: Iterable[str], num: int = 1) -> Condition | None:
    """Zeros of the shapes and dtypes of these fields, `[num, ...]`, from which a network's parameters are shaped."""
    return {name: jnp.zeros((num, *f.shape), f.dtype) for name, f in spec.conditions(conditions).items()} or None


def null_of(field: Field, num: int) -> Array:
    """The null value of a field, `[num, ...]`."""
    return jnp.broadcast_to(jnp.asarray(field.null), (num, *field.shape))


def requested_condition(spec: DataSpec, conditions: Iterable[str], request: SampleRequest) -> Condition | None:
    """The condition of every sample of a request: fields that are left out are null.

    Where nothing is given, a label runs through the classes.

    Raises:
      UserError: if a field is given that the model was not trained with, or in another shape or dtype.
    """
    fields, given = spec.conditions(conditions), request.cond or {}
    check_condition(fields, given, request.num)

    def default(name: str, field: Field) -> Array:
        runs = name == "label" and not given
        return jnp.arange(request.num) % field.size if runs else null_of(field, request.num)

    return {name: given[name] if name in given else default(name, field) for name, field in fields.items()} or None


def check_condition(fields: Mapping[str, Field], cond: Condition, num: int) -> None:
    """Refuse a condition that a model of these fields does not take.

    Raises:
      UserError: which names the field and what was expected.
    """
    for name, value in cond.items():
        if name not in fields:
            able = ", ".join(fields)
            raise UserError(
                f"this model was not trained with a condition {name!r}: "
                + (f"it takes {able}" if able else f"""train with --config.condition='("{name}",)'""")
            )
        expected = (num, *fields[name].shape)
        integer = jnp.issubdtype(fields[name].dtype, jnp.integer)
        if value.shape != expected or jnp.issubdtype(value.dtype, jnp.integer) != integer:
            raise UserError(
                f"the condition {name!r} must have shape {list(expected)} and dtype {fields[name].dtype}, got "
                f"{list(value.shape)} and {value.dtype}"
            )


def require_condition(conditions: Iterable[str], cond: Condition | None) -> None:
    """Refuse to decode without its condition what was trained with one.

    Raises:
      UserError: if a field is missing.
    """
    if missing := [name for name in conditions if name not in (cond or {})]:
        raise UserError(f"this model is conditional: give decode its {', '.join(missing)}")


def check_one_step(request: SampleRequest) -> None:
    """Refuse what models that sample in one step cannot do.

    Raises:
      UserError: if guidance, more than one step or a path is requested.
    """
    if request.guidance not in (None, 1.0):
        raise UserError("guidance is for conditional models that sample step by step: leave it at 1")
    if request.steps not in (None, 1) or request.keep:
        asked = request.steps or request.keep
        raise UserError(f"this model samples in one step and has no path to show; {asked} were asked for")
