"""The condition of samples from the command line: `--cond.label=3`, `--cond.text="a red heart"`, `--prompts=FILE`."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
from absl import flags

from experiments.config.data import condition_field
from genjax_models.core.errors import UserError
from genjax_models.core.types import Array, Condition
from genjax_models.data.encoders import sentence_encoder
from genjax_models.data.parsing import value_of
from genjax_models.data.spec import Field
from genjax_models.training import Experiment
from genjax_models.training.experiment import Guidance

COND = flags.DEFINE_multi_string(
    "cond",
    [],
    "--cond.<field>=VALUE: a class by its number or its name, a text as it is, a vector as 0.5,-1; one for all samples",
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
    if wrong := [part for part in COND.value if not part.partition("=")[1]]:
        raise UserError(f"--cond={wrong[0]} names no field: write --cond.<field>={wrong[0]}")
    given = dict(part.split("=", maxsplit=1) for part in COND.value)
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
    if any(part.startswith("text=") for part in COND.value):
        raise UserError("--prompts and --cond.text exclude each other: leave one out")
    vectors = np.asarray(sentence_encoder(_field(experiment, "text").encoder).encode(prompts))
    common = requested(experiment, num) or {}
    return [{**common, "text": _repeated(vector, num)} for vector in vectors]


def _field(experiment: Experiment, name: str) -> Field:
    return condition_field(experiment.spec.conditions(experiment.conditions), name)


def _repeated(value: np.ndarray, num: int) -> Array:
    return jnp.asarray(np.repeat(value[None], num, axis=0))


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
