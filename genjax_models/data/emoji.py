"""The emoji of the npm package `emoji-datasource-google` 16.0.0: pictures on white, captions, categories, a split.

Many emoji are one drawing in several skin tones, genders or directions: all forms of a drawing, and whatever agrees in
every pixel (the flags of Norway and Bouvet Island), are on one side of the split.
"""

import io
import json
import tarfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from genjax_models.core.optional import optional
from genjax_models.data.arrays import stratified_test_rows

CATEGORIES = (
    "Activities",
    "Animals & Nature",
    "Component",
    "Flags",
    "Food & Drink",
    "Objects",
    "People & Body",
    "Smileys & Emotion",
    "Symbols",
    "Travel & Places",
)
"""Unicode's groups, in the order of the labels."""

SIDE = 64
TONES = {
    "1F3FB": "light",
    "1F3FC": "medium-light",
    "1F3FD": "medium",
    "1F3FE": "medium-dark",
    "1F3FF": "dark",
}
_OF_FORM = {*TONES, "2640", "2642", "27A1", "FE0F", "200D"}  # tones, genders, direction, what glues code points
_PERSON = {"1F468": "1F9D1", "1F469": "1F9D1"}  # man and woman


class Emoji(NamedTuple):
    """All of them, in the order of the package's table, each followed by its skin tones.

    Attributes:
      images: `uint8` `[N, 64, 64, 3]`, on white.
      label: `int64` `[N]`, an index of `CATEGORIES`.
      caption: N names, in lower case, with the skin tone.
      test: `bool` `[N]`, true for the test examples.
    """

    images: np.ndarray
    label: np.ndarray
    caption: list[str]
    test: np.ndarray


def read_emoji(package: Path) -> Emoji:
    """Reads the package's archive (`.tgz`)."""
    with tarfile.open(package) as archive:
        file = lambda name: archive.extractfile(f"package/{name}").read()  # type: ignore[union-attr]
        rows = [row for emoji in json.loads(file("emoji.json")) for row in _forms(emoji)]
        images = np.stack([_on_white(file(f"img/google/64/{row['image']}")) for row in rows])
    label = np.array([CATEGORIES.index(row["category"]) for row in rows])
    return Emoji(images, label, [row["caption"] for row in rows], _test_rows(rows, images, label))


def _forms(emoji: dict[str, Any]) -> list[dict[str, str]]:
    """An emoji and its skin tones."""
    common = {"category": emoji["category"], "emoji": emoji["unified"]}
    name = emoji["name"].lower()
    rows = [common | {"image": emoji["image"], "code": emoji["unified"], "caption": name}]
    for tones, form in emoji.get("skin_variations", {}).items():
        names = dict.fromkeys(TONES[tone] for tone in tones.split("-"))  # in order, without repetition
        caption = f"{name}, {' and '.join(names)} skin tone{'s' * (len(names) > 1)}"
        rows.append(common | {"image": form["image"], "code": form["unified"], "caption": caption})
    return rows


def _on_white(png: bytes) -> np.ndarray:
    with optional("data"):
        from PIL import Image  # noqa: PLC0415

    image = Image.open(io.BytesIO(png)).convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return np.asarray(Image.alpha_composite(white, image).convert("RGB"))


def _test_rows(rows: list[dict[str, str]], images: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Every tenth drawing of each category, in the order of the table, with all its forms."""
    count = len(rows)
    # A form is tied to its emoji, its drawing and its pixels, and through them to other forms.
    ties: tuple[list, ...] = (
        [row["emoji"] for row in rows],
        [_drawing(row["code"]) for row in rows],
        [x.tobytes() for x in images],
    )
    ends = [count * (i + 1) + np.unique(tie, return_inverse=True)[1] for i, tie in enumerate(ties)]
    edges = np.tile(np.arange(count), len(ties)), np.concatenate(ends)
    graph = coo_array((np.ones(len(edges[0])), edges), shape=(4 * count, 4 * count))
    component = connected_components(graph, directed=False)[1][:count]
    _, first, group = np.unique(component, return_index=True, return_inverse=True)
    leaders = np.sort(first)  # the rows that begin a group
    test = leaders[stratified_test_rows(label[leaders], every=10)]
    return np.isin(first[group], test)


def _drawing(code: str) -> str:
    """What all forms of a drawing have in common: their code points but for tone, gender and direction."""
    points = [_PERSON.get(point, point) for point in code.split("-") if point not in _OF_FORM]
    return "-".join(points) or code
