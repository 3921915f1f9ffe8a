"""The condition of samples from the command line: `--cond.label=3`, `--cond.text="a red heart"`, `--prompts=FILE`."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
from absl import flags
from ml_collections import ConfigDict, config_flags
from ml_collections.config_dict import placeholder

from experiments.config.data import check_condition
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Condition
from genjax_models.data.encoders import sentence_encoder
from genjax_models.data.spec import Field
from genjax_models.training import Experiment
from genjax_models.training.experiment import Guidance

COND = config_flags.DEFINE_config_dict(
    "cond",
    ConfigDict({"label": placeholder(str), "text": placeholder(str)}),
    "--cond.<field>=VALUE: a class by its number or its name, a text as it is; one for all samples",
)
PROMPTS = flags.DEFINE_string("prompts", None, "a file with a text a line: a row of samples for each, of equal noise")
LABEL = flags.DEFINE_string("label", None, "short for --cond.label")
GUIDANCE = flags.DEFINE_string(
    "guidance",
    None,
    "scale of the config's guidance, which is its default; 1 is none, to a classifier Bayes' rule. Or a scale for each "
    "field of the condition: text=4,label=1.5",
)


def requested(experiment: Experiment, num: int) -> Condition | None:
    """The condition that the command line gives to all `num` samples, `None` where it gives none.

    Raises:
      UserError: if the model was not trained with a field, or a value does not suit it.
    """
    given = {name: value for name, value in COND.value.items() if value is not None}
    if LABEL.value is not None:
        given["label"] = LABEL.value
    values = {name: value_of(name, _field(experiment, name), text) for name, text in given.items()}
    return {name: _repeated(value, num) for name, value in values.items()} or None


def prompted(experiment: Experiment, num: int) -> list[Condition]:
    """The condition of `num` samples for each line of the file `--prompts`; empty without that flag.

    Raises:
      UserError: if the file cannot be read or has no text, `--cond.text` is given as well, or the model was not trained
        with texts.
    """
    if PROMPTS.value is None:
        return []
    try:
        lines = Path(PROMPTS.value).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--prompts={PROMPTS.value} cannot be read as text: {error}") from None
    prompts = [line.strip() for line in lines if line.strip()]
    if not prompts:
        raise UserError(f"--prompts={PROMPTS.value} holds no text: write one a line")
    if COND.value.text is not None:
        raise UserError("--prompts and --cond.text exclude each other: leave one out")
    vectors = np.asarray(sentence_encoder(_field(experiment, "text").encoder).encode(prompts))
    common = requested(experiment, num) or {}
    return [{**common, "text": _repeated(vector, num)} for vector in vectors]


def _field(experiment: Experiment, name: str) -> Field:
    fields = experiment.spec.conditions(experiment.conditions)
    if name not in fields:
        check_condition(fields, {name: jnp.zeros(0)}, 0)
    return fields[name]


def _repeated(value: np.ndarray, num: int) -> Array:
    return jnp.asarray(np.repeat(value[None], num, axis=0))


def value_of(name: str, field: Field, text: str) -> np.ndarray:
    """One example of a field from what the command line says of it.

    Raises:
      UserError: if it is no class, or there is no such encoder.
    """
    if field.kind == "label":
        if field.names and text in field.names:
            return np.asarray(field.names.index(text), field.dtype)
        if not text.isdigit() or int(text) >= field.size:
            known = f", or one of {', '.join(field.names)}" if field.names else ""
            raise UserError(f"--cond.{name}={text} must be a class from 0 to {field.size - 1}{known}")
        return np.asarray(int(text), field.dtype)
    if field.kind == "text":
        return np.asarray(sentence_encoder(field.encoder).encode([text]))[0]
    raise UserError(f"a {field.kind} cannot be given on the command line: call Experiment.sample")


def guidance() -> Guidance | None:
    """The guidance that the command line asks for.

    Raises:
      UserError: if it is neither a number nor a list of fields and numbers.
    """
    text = GUIDANCE.value
    if text is None:
        return None
    try:
        if "=" not in text:
            return float(text)
        pairs = (pair.split("=") for pair in text.split(","))
        return tuple((name.strip(), float(scale)) for name, scale in pairs)
    except ValueError:
        raise UserError(f"--guidance={text} is neither a number nor of the form text=4,label=1.5") from None
