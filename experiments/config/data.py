"""The data set that a config names, and what a model of it is conditioned on: `config.data` and `config.condition`."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
from ml_collections import ConfigDict

from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Condition, Key, PyTree
from genjax_models.data import ArrayDataset, data_spec, load
from genjax_models.data.spec import DataSpec, Field
from genjax_models.modalities import Modality, modality_of
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


class Data(NamedTuple):
    """The data of a config and what a model of them is conditioned on, bound once for all that builds on them.

    Attributes:
      spec: the fields of the data set.
      modality: of the modelled field.
      fields: those that the model is conditioned on, by name.
    """

    spec: DataSpec
    modality: Modality
    fields: Mapping[str, Field]

    @property
    def conditions(self) -> tuple[str, ...]:
        """The names of the fields that the model is conditioned on."""
        return tuple(self.fields)

    def network_fields(self) -> dict[str, Any]:
        """The fields of a network that takes this condition: `num_classes`, and `vectors` where there are any.

        Raises:
          UserError: if no network takes a field of its kind.
        """
        for name, field in self.fields.items():
            if field.kind not in ("label", *VECTORS) or (field.kind == "label" and name != "label"):
                raise UserError(f"config.condition: no network takes {name!r}, a field of {field.kind}")
        vectors = tuple(name for name, field in self.fields.items() if field.kind in VECTORS)
        classes = self.fields["label"].size if "label" in self.fields else 0
        return {"num_classes": classes} | ({"vectors": vectors} if vectors else {})

    def values(self, train: ConfigDict, x: Array, *, key_flip: Key, key_noise: Key) -> Array:
        """A training batch of stored values as a model sees it, mirrored and dequantised as `config.train` says."""
        modality = self.modality
        if train.flip and modality.mirror is not None:
            x = modality.mirror(key_flip, x)
        if train.dequantize and modality.dequantize is not None:
            return modality.dequantize(key_noise, x)
        return modality.to_model(x)

    def condition(self, batch: PyTree) -> Condition | None:
        """The fields of a batch that the model is conditioned on; `None` where there are none."""
        return {name: batch[name] for name in self.fields} or None

    def example(self, num: int = 1) -> Condition | None:
        """A condition of zeros `[num, ...]`, from which a network's parameters are shaped."""
        return {name: jnp.zeros((num, *field.shape), field.dtype) for name, field in self.fields.items()} or None

    def null(self, num: int) -> dict[str, Array]:
        """The null value of every field, `[num, ...]`."""
        shape = lambda field: (num, *field.shape)
        return {name: jnp.broadcast_to(jnp.asarray(f.null), shape(f)) for name, f in self.fields.items()}

    def requested(self, request: SampleRequest) -> Condition | None:
        """The condition of every sample: fields that are left out are null.

        Where nothing is given, a label runs through the classes.

        Raises:
          UserError: if a field is given that the model was not trained with, or in another shape or dtype.
        """
        given = dict(request.cond or {})
        check_condition(self.fields, given, request.num)
        classes = {n: jnp.arange(request.num) % f.size for n, f in self.fields.items() if n == "label" and not given}
        return self.null(request.num) | classes | given or None

    def require(self, cond: Condition | None) -> None:
        """Refuse to decode without its condition what was trained with one.

        Raises:
          UserError: if a field is missing.
        """
        if missing := [name for name in self.fields if name not in (cond or {})]:
            raise UserError(f"this model is conditional: give decode its {', '.join(missing)}")


def data_of(config: ConfigDict, *more: str) -> Data:
    """The data of a config, conditioned on `config.condition`, where it has that field, and on `more`.

    Raises:
      UserError: if there is no such set, it has no such field, or `config.train` mirrors or dequantises what cannot be.
    """
    spec = spec_of(config)
    names, modality = dict.fromkeys((*config.get("condition", ()), *more)), modality_of(spec)
    for name, able in (("flip", modality.mirror), ("dequantize", modality.dequantize)):
        if "train" in config and config.train[name] and able is None:
            raise UserError(f"config.train.{name}=True has no meaning for data of {modality.name}: set it to False")
    return Data(spec, modality, spec.conditions(names))


def condition_field(fields: Mapping[str, Field], name: str) -> Field:
    """The field of this name among those that a model is conditioned on.

    Raises:
      UserError: if there is none; the line names those that there are.
    """
    if name not in fields:
        able = ", ".join(fields)
        raise UserError(
            f"this model was not trained with a condition {name!r}: "
            + (f"it takes {able}" if able else f"""train with --config.condition='("{name}",)'""")
        )
    return fields[name]


def examples_of(cond: Condition) -> int:
    """For how many examples a condition is, B."""
    return len(next(iter(cond.values())))


def check_condition(fields: Mapping[str, Field], cond: Condition, num: int) -> None:
    """Refuse a condition that a model of these fields does not take.

    Raises:
      UserError: which names the field and what was expected.
    """
    for name, value in cond.items():
        field = condition_field(fields, name)
        expected = (num, *field.shape)
        integer = jnp.issubdtype(field.dtype, jnp.integer)
        if value.shape != expected or jnp.issubdtype(value.dtype, jnp.integer) != integer:
            raise UserError(
                f"the condition {name!r} must have shape {list(expected)} and dtype {field.dtype}, got "
                f"{list(value.shape)} and {value.dtype}"
            )


def check_one_step(request: SampleRequest) -> None:
    """Refuse what models that sample in one step cannot do.

    Raises:
      UserError: if guidance, more than one step or a path is requested.
    """
    if request.guidance not in (None, 1.0):
        raise UserError("guidance is for conditional models that sample step by step: leave it at 1")
    if request.steps not in (None, 1) or request.keep:
        asked = request.steps or request.keep
        raise UserError(f"this model samples in one step and has no path to show; {asked} were requested")
