"""A run's folder belongs to one config, and says by name what differs from it."""

import json
import os

import pytest

from genjax_models.core.errors import UserError
from genjax_models.training.workdir import check_same_model, claim, differing, flatten, whole, write_json, writing

CONFIG = {
    "experiment": "x",
    "net": {"width": 64, "levels": (1, 2)},
    "train": {"steps": 100, "log_every": 5, "parallel": {"mode": "jit"}},
    "eval": {"num": 1000},
}


def changed(**fields):
    config = json.loads(json.dumps(CONFIG))
    for name, value in fields.items():
        *path, last = name.split("__")
        section = config
        for key in path:
            section = section[key]
        section[last] = value
    return config


def test_the_config_is_recorded_and_recognised(tmp_path):
    claim(tmp_path / "new" / "run", CONFIG, started=True)
    claim(tmp_path / "new" / "run", CONFIG, started=True)
    assert json.loads((tmp_path / "new" / "run" / "config.json").read_text()) == json.loads(json.dumps(CONFIG))


@pytest.mark.parametrize(
    "fields", [{"train__steps": 200}, {"train__log_every": 1}, {"train__parallel__mode": "pmap"}, {"eval__num": 50}]
)
def test_a_run_may_go_on_longer_elsewhere_and_be_watched_differently(tmp_path, fields):
    claim(tmp_path, CONFIG, started=True)
    claim(tmp_path, changed(**fields), started=True)
    assert json.loads((tmp_path / "config.json").read_text()) == changed(**fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"net__width": 32}, r"net.width \(64 there, 32 here\)"),
        ({"net__levels": [1, 3]}, r"net.levels \(\[1, 2\] there, \[1, 3\] here\)"),
        ({"train__steps": 50}, r"train.steps \(100 there, 50 here\)"),
        ({"net__depth": 3, "experiment": "y"}, r"experiment \('x' there, 'y' here\), net.depth \(None there, 3 here\)"),
    ],
)
def test_another_config_is_refused_by_the_names_of_what_differs(tmp_path, fields, message):
    claim(tmp_path, CONFIG, started=True)
    with pytest.raises(UserError, match=message):
        claim(tmp_path, changed(**fields), started=True)
    assert json.loads((tmp_path / "config.json").read_text()) == json.loads(json.dumps(CONFIG))


def test_weights_are_read_by_another_way_to_train_but_not_as_another_model(tmp_path):
    claim(tmp_path, CONFIG, started=True)
    check_same_model(tmp_path, changed(train__steps=50, eval__num=3))
    with pytest.raises(UserError, match=r"net.width \(64 there, 32 here\)"):
        check_same_model(tmp_path, changed(train__steps=50, net__width=32))


@pytest.mark.parametrize("old", [{"conditional": False}, {"data": {"name": "digits", "shape": [8, 8, 1]}}])
def test_a_run_of_before_the_declared_fields_is_refused_in_one_line(tmp_path, old):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG | old))
    for use in (check_same_model, differing):
        with pytest.raises(UserError, match=r"a run of version 0\.1\.0 or before") as error:
            use(tmp_path, CONFIG)
        assert "\n" not in str(error.value)


def test_a_folder_without_a_checkpoint_is_free(tmp_path):
    claim(tmp_path, CONFIG, started=False)
    claim(tmp_path, changed(experiment="y"), started=False)
    assert json.loads((tmp_path / "config.json").read_text()) == changed(experiment="y")


def test_an_unreadable_config_is_named(tmp_path):
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match=r"config.json cannot be read as JSON"):
        claim(tmp_path, CONFIG, started=True)


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot write to .*: Not a directory"):
        claim(tmp_path / "file" / "run", CONFIG, started=True)


def test_other_errors_pass_through(tmp_path):
    with pytest.raises(ValueError, match="unrelated"), writing(tmp_path):
        raise ValueError("unrelated")


def test_flatten_joins_keys_with_dots():
    assert flatten({"a": {"b": {"c": 1}}, "d": 2}) == {"a.b.c": 1, "d": 2}


def test_json_is_strict_and_whole(tmp_path):
    path = tmp_path / "eval.json"
    write_json(path, {"a": [1.5, float("nan")], "b": {"c": float("inf"), "d": (True, "x", None)}})
    no_token = lambda token: pytest.fail(f"{token} is no JSON")
    found = json.loads(path.read_text(), parse_constant=no_token)
    assert found == {"a": [1.5, None], "b": {"c": None, "d": [True, "x", None]}}
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    assert json.loads(path.read_text()) == found and os.listdir(tmp_path) == ["eval.json"]


def test_a_file_that_could_not_be_written_whole_is_not_there(tmp_path):
    with pytest.raises(OSError, match="disk"), whole(tmp_path / "a.npz") as partial:
        assert partial.suffix == ".npz"
        partial.write_bytes(b"half")
        raise OSError("disk full")
    assert not list(tmp_path.iterdir())
