"""Guidance by one scale and by a scale a field, through `Experiment.sample`, on a velocity known in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from absl import flags
from absl.testing import flagsaver
from flax import linen as nn

from configs.flow_matching.lipman2023_emoji_32 import get_config
from experiments.run import conditions
from experiments.run.command import build_experiment
from genjax_models.core.errors import UserError
from genjax_models.data import parsing
from genjax_models.training import SampleRequest

KEY = jax.random.key(0)
NUM, CLASSES, WIDTH, STEPS = 4, 10, 384, 3
LABEL = np.array([0, 3, 7, 9], np.int32)
TEXT = np.random.default_rng(0).standard_normal((NUM, WIDTH)).astype(np.float32)
COND = {"label": jnp.asarray(LABEL), "text": jnp.asarray(TEXT)}


def velocity(label: np.ndarray, text: np.ndarray) -> np.ndarray:
    """What `Toy` predicts, `[B]`: not additive in the two fields, so that the order of their scales matters."""
    of_label = np.where(label < CLASSES, 0.01 * (label + 1.0), 0.0)
    of_text = 0.005 * text.sum(axis=1)
    return 0.02 + of_label + of_text + 4.0 * of_label * of_text


class Toy(nn.Module):
    """A velocity that is constant in `x` and `t`, so that every solver is exact."""

    num_classes: int
    vectors: tuple[str, ...]
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x, t=None, cond=None, *, train=False):
        """The velocity of `velocity` for every pixel."""
        offset = self.param("offset", nn.initializers.constant(0.02), ())
        of_label = jnp.where(cond["label"] < self.num_classes, 0.01 * (cond["label"] + 1.0), 0.0)
        of_text = 0.005 * cond["text"].sum(axis=1)
        value = offset + of_label + of_text + 4.0 * of_label * of_text
        return jnp.broadcast_to(value[:, None, None, None], x.shape)


def experiment_of(**sample):
    config = get_config()
    config.net = {"name": f"{__name__}.Toy"}
    config.sample.update({"sampler": "euler", "steps": STEPS} | sample)
    return build_experiment(config.lock())


def samples(experiment, cond=COND, guidance=None):
    model = experiment.finalize(*experiment.init(KEY))
    return np.asarray(experiment.sample(KEY, model, SampleRequest(NUM, cond, guidance=guidance)))


def expected(guided: np.ndarray) -> np.ndarray:
    """Euler from t = 1 to 0 along a constant velocity `[B]`, from the noise that the experiment draws."""
    noise = np.asarray(jax.random.normal(jax.random.split(KEY)[0], (NUM, 32, 32, 3)))
    return np.clip(noise - guided[:, None, None, None], -1.0, 1.0)


NULL_LABEL, NULL_TEXT = np.full(NUM, CLASSES), np.zeros((NUM, WIDTH), np.float32)
BOTH, NONE = velocity(LABEL, TEXT), velocity(NULL_LABEL, NULL_TEXT)
OF_LABEL, OF_TEXT = velocity(LABEL, NULL_TEXT), velocity(NULL_LABEL, TEXT)
CLOSED_FORMS = {
    1.0: BOTH,
    2.5: NONE + 2.5 * (BOTH - NONE),
    (("label", 3.0),): OF_TEXT + 3.0 * (BOTH - OF_TEXT),
    (("text", 3.0),): OF_LABEL + 3.0 * (BOTH - OF_LABEL),
    (("label", 2.0), ("text", 3.0)): NONE + 2.0 * (OF_LABEL - NONE) + 3.0 * (BOTH - OF_LABEL),
    (("text", 3.0), ("label", 2.0)): NONE + 3.0 * (OF_TEXT - NONE) + 2.0 * (BOTH - OF_TEXT),
}


@pytest.mark.parametrize("guidance", CLOSED_FORMS, ids=str)
def test_samples_follow_the_guided_velocity(guidance):
    wanted = expected(CLOSED_FORMS[guidance])
    np.testing.assert_allclose(samples(experiment_of(), guidance=guidance), wanted, atol=2e-6)
    field = "field_guidance" if isinstance(guidance, tuple) else "guidance"
    np.testing.assert_allclose(samples(experiment_of(**{field: guidance})), wanted, atol=2e-6)


def test_fields_that_are_left_out_are_null_and_labels_alone_run_through_the_classes():
    experiment = experiment_of()
    np.testing.assert_allclose(samples(experiment, {"text": COND["text"]}), expected(OF_TEXT), atol=2e-6)
    np.testing.assert_allclose(samples(experiment, {"label": COND["label"]}), expected(OF_LABEL), atol=2e-6)
    np.testing.assert_allclose(samples(experiment, None), expected(velocity(np.arange(NUM), NULL_TEXT)), atol=2e-6)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ((("colour", 2.0),), "guidance of colour: the model is conditioned on label, text"),
        ((("label", 2.0), ("label", 3.0)), "give each field one scale"),
        (("label", 2.0), "must be a tuple, pairs of a field and its scale"),
        ((("label", "much"),), "must be a tuple, pairs of a field and its scale"),
    ],
)
def test_guidance_of_fields_that_cannot_be_is_refused(value, words):
    with pytest.raises(UserError, match=words):
        experiment_of(field_guidance=value)


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (("label", "colour"), "no field 'colour' to condition on"),
        (("labels",), "did you mean 'label'"),
    ],
)
def test_conditions_that_the_set_does_not_have_are_refused(condition, words):
    config = get_config()
    config.condition = condition
    with pytest.raises(UserError, match=words):
        build_experiment(config.lock())


class Encoder:
    """Encodes a text as its length, everywhere."""

    def encode(self, texts):
        """`[N, 384]`."""
        return np.stack([np.full(WIDTH, len(text), np.float32) for text in texts])


@pytest.fixture
def command_line(monkeypatch):
    """Sets flags, and puts them back."""
    for module in (conditions, parsing):
        monkeypatch.setattr(module, "sentence_encoder", lambda name: Encoder())
    if not flags.FLAGS.is_parsed():
        flags.FLAGS(["test"])

    def given(**values):
        for name, value in values.items():
            setattr(flags.FLAGS, name, value)

    with flagsaver.flagsaver():
        yield given


def test_prompts_are_the_lines_of_a_file(command_line, tmp_path):
    (tmp_path / "prompts.txt").write_text("a cat\n\n  red heart \n", encoding="utf-8")
    command_line(prompts=str(tmp_path / "prompts.txt"), label="Flags")
    cat, heart = conditions.prompted(experiment_of(), 2)
    np.testing.assert_array_equal(cat["text"], np.full((2, WIDTH), 5.0))
    np.testing.assert_array_equal(heart["text"], np.full((2, WIDTH), 9.0))
    np.testing.assert_array_equal(heart["label"], [3, 3])


def test_prompts_that_cannot_be_are_refused(command_line, tmp_path):
    experiment, path = experiment_of(), tmp_path / "prompts.txt"
    command_line(prompts=str(path))
    with pytest.raises(UserError, match="cannot be read as text"):
        conditions.prompted(experiment, 1)
    path.write_text("\n")
    with pytest.raises(UserError, match="holds no text"):
        conditions.prompted(experiment, 1)
    path.write_text("a cat")
    command_line(cond=["text=a dog"])
    with pytest.raises(UserError, match="exclude each other"):
        conditions.prompted(experiment, 1)
    command_line(cond=[])
    config = get_config("conditional,smoke")
    with pytest.raises(UserError, match="not trained with a condition 'text': it takes label"):
        conditions.prompted(build_experiment(config.lock()), 1)


def test_a_prompt_that_a_person_gives_is_one_condition_for_all(command_line):
    command_line(label="10")
    with pytest.raises(UserError, match="must be a class from 0 to 9, or one of Activities"):
        conditions.requested(experiment_of(), 2)
    command_line(label=None, cond=["text=a cat"])
    np.testing.assert_array_equal(conditions.requested(experiment_of(), 2)["text"], np.full((2, WIDTH), 5.0))
