"""Declared sections: what follows from one declaration, and what is refused."""

import pytest
from ml_collections import ConfigDict

from genjax_models.core.errors import UserError
from genjax_models.training.settings import (
    POSITIVE,
    SHARE,
    Open,
    Setting,
    at_least,
    check,
    defaults,
    explain,
    one_of,
    shrink,
    without,
)

SECTION = {
    "steps": Setting(100, "of training", at_least(1), smoke=20),
    "rate": Setting(0.5, "of learning", POSITIVE),
    "mode": Setting("min", "of choice", one_of("min", "max")),
    "flip": Setting(False, "mirror"),
    "rows": Setting((("a", 9), ("b", 1)), "of a table", smoke=lambda rows: rows[:1]),
    "inner": {"share": Setting(0.1, "of examples", SHARE), "options": Open({"k": 1}, "of something else")},
}


def changed(**fields):
    config = defaults(SECTION)
    config.update_from_flattened_dict({name.replace("__", "."): value for name, value in fields.items()})
    return config


def test_defaults_are_an_ordinary_config_of_their_own():
    config, other = defaults(SECTION), defaults(SECTION)
    assert config.to_dict() == {
        "steps": 100,
        "rate": 0.5,
        "mode": "min",
        "flip": False,
        "rows": (("a", 9), ("b", 1)),
        "inner": {"share": 0.1, "options": {"k": 1}},
    }
    config.inner.options.k = 2
    assert other.inner.options.k == 1 and SECTION["inner"]["options"].default == {"k": 1}
    check(SECTION, config)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("steps", 0, r"config.steps=0 must be an integer, at least 1: of training"),
        ("steps", True, "must be an integer"),
        ("steps", 2.5, "must be an integer"),
        ("rate", 0.0, "must be a number, above 0"),
        ("rate", float("nan"), "must be a number"),
        ("rate", float("inf"), "must be a number"),
        ("rate", "fast", "must be a number"),
        ("mode", "mid", "must be a text, one of 'min', 'max'"),
        ("flip", 1, "must be True or False"),
        ("rows", 3, "must be a tuple"),
        ("inner.share", 1.5, r"config.inner.share=1.5 must be a number, 0 to 1: of examples"),
        ("inner", 3, "must be a section"),
    ],
)
def test_a_value_of_another_type_or_out_of_its_range_is_one_line(name, value, said):
    config = ConfigDict(defaults(SECTION).to_dict(), type_safe=False)
    place, _, field = name.rpartition(".")
    (config[place] if place else config)[field] = value
    with pytest.raises(UserError, match=said) as error:
        check(SECTION, config)
    assert "\n" not in str(error.value)


def test_an_integer_is_a_number_and_an_open_section_has_any_field():
    check(SECTION, ConfigDict(defaults(SECTION).to_dict() | {"rate": 2}))
    config = defaults(SECTION)
    config.inner.options = ConfigDict({"anything": "else"})
    check(SECTION, config)


def test_unknown_and_missing_fields_are_named():
    config = defaults(SECTION)
    config.stepps = 3
    with pytest.raises(UserError, match=r"config.stepps is no field .* did you mean 'steps'"):
        check(SECTION, config)
    config = defaults(SECTION)
    del config.inner.share
    with pytest.raises(UserError, match=r"config.inner.share is missing"):
        check(SECTION, config)


def test_smoke_only_makes_smaller():
    config = changed(steps=7)
    shrink(SECTION, config)
    assert config.steps == 7 and config.rows == (("a", 9),) and config.rate == 0.5
    config = changed(steps=700)
    shrink(SECTION, config)
    assert config.steps == 20


def test_explain_shows_the_value_of_the_config_below_a_path():
    config = changed(inner__share=0.3)
    assert explain(SECTION, config, "inner.share") == "inner.share = 0.3 (a number, 0 to 1): of examples"
    assert (
        explain(SECTION, config, "inner").splitlines()[1] == "inner.options = {'k': 1} (a section): of something else"
    )
    assert len(explain(SECTION, config).splitlines()) == 7
    with pytest.raises(UserError, match=r"did you mean 'inner.share'"):
        explain(SECTION, config, "inner.shar")


def test_a_section_without_some_fields():
    assert list(without(SECTION, "steps", "inner")) == ["rate", "mode", "flip", "rows"]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), [1.0, float("-inf")], {"deep": (float("nan"),)}])
def test_open_sections_hold_finite_numbers(bad):
    section = {"options": Open({}, "of what is named")}
    config = ConfigDict({"options": {"first": 1.0, "second": bad}})
    with pytest.raises(UserError, match=r"config\.options\.second.* must hold finite numbers"):
        check(section, config)
