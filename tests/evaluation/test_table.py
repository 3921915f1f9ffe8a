import json

import numpy as np
import pytest

from genjax_models.core.errors import UserError
from genjax_models.evaluation.frechet_distance import frechet_distance
from genjax_models.evaluation.table import FLOOR, Classes, markdown, measure, to_json
from genjax_models.nets.feature.classifier import Features

METRICS = ["Fréchet distance", "kernel distance", "Inception score", "precision", "recall", "density", "coverage"]


def features(seed, num, shift=0.0):
    rng = np.random.default_rng(seed)
    return Features(rng.normal(size=(num, 6)) + shift, rng.normal(size=(num, 4)))


def by_metric(rows, samples):
    return {row.metric: row for row in rows if row.samples == samples}


def test_every_row_carries_what_makes_it_comparable():
    rows = measure(features(0, 100), {"ours": features(1, 30)}, evaluator="a net", seed=7)
    assert [(row.samples, row.metric) for row in rows] == [(s, m) for s in ("ours", FLOOR) for m in METRICS]
    assert {(row.num, row.seed, row.evaluator) for row in rows} == {(30, 7, "a net")}


def test_class_accuracy_is_the_share_that_the_evaluator_takes_for_what_was_asked():
    real, ours = features(0, 100), features(1, 30)
    said = [np.asarray(net.logits).argmax(axis=1) for net in (real, ours)]
    right = np.arange(30) < 12
    classes = Classes(said[0], np.where(right, said[1], (said[1] + 1) % 4))
    rows = measure(real, {"ours": ours}, evaluator="a net", classes=classes)
    assert by_metric(rows, "ours")["class accuracy"].value == pytest.approx(0.4)
    assert by_metric(rows, FLOOR)["class accuracy"].value == 1.0
    assert "class accuracy" in markdown(rows)


def test_real_samples_measured_as_generated_score_about_the_floor():
    rows = measure(features(0, 1000), {"more": features(1, 500)}, evaluator="a net")
    value, floor = by_metric(rows, "more"), by_metric(rows, FLOOR)
    for kernel in (value["kernel distance"], floor["kernel distance"]):
        assert abs(kernel.value) < 4 * kernel.spread
    for name in ("Fréchet distance", "precision", "recall", "density", "coverage"):
        assert value[name].value == pytest.approx(floor[name].value, rel=0.35), name


def test_a_shift_shows_against_the_floor():
    rows = measure(features(0, 400), {"shifted": features(1, 200, shift=1.0)}, evaluator="a net")
    excess = by_metric(rows, "shifted")["Fréchet distance"].value - by_metric(rows, FLOOR)["Fréchet distance"].value
    np.testing.assert_allclose(excess, 6, rtol=0.3)  # |shift|^2 in 6 dimensions


def test_reference_and_floor_are_disjoint():
    """Only if the floor's samples are not those of the reference is its distance above zero."""
    real = features(0, 60)
    floor = by_metric(measure(real, {"all of it": real}, evaluator="a net"), FLOOR)["Fréchet distance"]
    assert floor.num == 30
    halves = [real.features[rows] for rows in (slice(0, 30), slice(30, 60))]
    assert floor.value == pytest.approx(frechet_distance(*halves), rel=0.8)


def test_all_lines_have_the_size_of_the_smallest_set():
    rows = measure(features(0, 100), {"a": features(1, 40), "b": features(2, 20)}, evaluator="a net")
    assert {row.num for row in rows} == {20}
    alone = measure(features(0, 100), {"b": features(2, 20)}, evaluator="a net")
    assert by_metric(rows, "b") == by_metric(alone, "b")
    assert by_metric(rows, FLOOR) == by_metric(alone, FLOOR)


def test_the_seed_decides():
    args = features(0, 100), {"a": features(1, 40)}
    assert measure(*args, evaluator="a", seed=1) == measure(*args, evaluator="a", seed=1)
    assert measure(*args, evaluator="a", seed=1) != measure(*args, evaluator="a", seed=2)


def test_markdown_and_json():
    rows = measure(features(0, 100), {"euler 10": features(1, 30)}, evaluator="a net")
    lines = markdown(rows).splitlines()
    assert len({len(line) for line in lines}) == 1
    head, _, ours, floor = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    assert head == ["samples", *METRICS, "n", "seed", "evaluator"]
    assert (ours[0], floor[0]) == ("euler 10", FLOOR)
    assert "±" in ours[2]
    assert ours[-3:] == ["30", "0", "a net"]
    decoded = json.loads(json.dumps(to_json(rows)))
    assert decoded[0]["metric"] == "Fréchet distance"
    assert decoded[0]["value"] == rows[0].value


@pytest.mark.parametrize("num", [0, 1, 5])
def test_too_few_generated_samples_are_refused(num):
    with pytest.raises(UserError, match="at least"):
        measure(features(0, 100), {"few": features(1, num)}, evaluator="a net")
    with pytest.raises(UserError, match="no generated samples"):
        measure(features(0, 100), {}, evaluator="a net")


def test_a_diverged_model_is_named_as_such():
    generated = features(1, 30)
    generated.features[3, 2] = np.inf
    with pytest.raises(UserError, match="generated features contain values that are not finite"):
        measure(features(0, 100), {"bad": generated}, evaluator="a net")
