"""Two domains of images for translation between them, made of one data set: aligned pairs, or two unpaired sets.

A batch has the fields `x` (domain A) and `y` (domain B). In a paired set, domain B holds the images themselves and is
the modelled field, and A holds a view of each (`views`); `label` is of both. In an unpaired set, domain A holds the
images of the even rows and is the modelled field, and B a view of those of the odd rows: no image is in both; `label`
is of A and `label_y` of B. Sets without classes have no labels.
"""

import os
from collections.abc import Callable

import numpy as np

from genjax_models.core.errors import UserError
from genjax_models.data import catalog, views
from genjax_models.data import spec as specs
from genjax_models.data.arrays import ArrayDataset

VIEWS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "grey": lambda x, rows: views.grey(x),
    "outlines": lambda x, rows: views.outlines(x),
    "coloured": views.coloured,
    "half": lambda x, rows: views.shrink(x, 2),
    "quarter": lambda x, rows: views.shrink(x, 4),
}
"""`(uint8 [N, H, W, C], rows [N] of the set) -> uint8 [N, H', W', C']`."""

_CHUNK = 4096


def paired(name: str, view: str, split: str = "train", *, data_dir: str | os.PathLike | None = None) -> ArrayDataset:
    """A view of each image (A), and the image itself (B): outlines -> image, grey -> colour, small -> large.

    Args:
      name: of a set of images, as for `load`.
      view: one of `VIEWS`.
      split: of the set.
      data_dir: as for `load`.

    Raises:
      UserError: if the set or the split is missing, it is no set of images, or the view cannot be made of them.
    """
    images = _images(name, split, data_dir)
    x = _view(images, view, np.arange(images.size))
    label = {"label": images.label} if images.spec.num_classes else {}
    return _domains(f"{name}:{view}", split, "y", {"x": x, "y": images.x, **label}, images.spec.num_classes)


def unpaired(name: str, view: str, split: str = "train", *, data_dir: str | os.PathLike | None = None) -> ArrayDataset:
    """The images of the even rows (A), and a view of those of the odd rows (B), both of one height and width.

    Args:
      name: of a set of images, as for `load`.
      view: one of `VIEWS`; or empty for a set of TFDS that has its domains as splits, `trainA`, `trainB`, `testA` and
        `testB` (`cycle_gan/horse2zebra`).
      split: of the set.
      data_dir: as for `load`.

    Returns:
      As many examples as the larger domain has; the smaller begins again.

    Raises:
      UserError: as `paired`; and if the domains differ in height or width.
    """
    if view:
        images = _images(name, split, data_dir)
        even, odd = np.arange(0, images.size, 2), np.arange(1, images.size, 2)
        a = images._replace(fields=images.take(even))
        b = images._replace(fields=images.take(odd) | {"x": _view(images, view, odd)})
    else:
        a, b = (_images(name, f"{split}{domain}", data_dir) for domain in "AB")
    if a.x.shape[1:3] != b.x.shape[1:3]:
        raise UserError(
            f"the domains of {name}:{view} have images of {a.x.shape[1]}x{a.x.shape[2]} and "
            f"{b.x.shape[1]}x{b.x.shape[2]} pixels: unpaired translation keeps the size, choose another view"
        )
    size = max(a.size, b.size)
    rows_a, rows_b = np.arange(size) % a.size, np.arange(size) % b.size
    fields = {"x": a.x[rows_a], "y": b.x[rows_b]}
    if a.spec.num_classes:
        fields |= {"label": a.label[rows_a], "label_y": b.label[rows_b]}
    return _domains(f"{name}:{view}", split, "x", fields, a.spec.num_classes)


def view_shape(shape: tuple[int, ...], view: str) -> tuple[int, ...]:
    """The `(H, W, C)` of a view of images of such a shape; an empty view is the images' own.

    Raises:
      UserError: if there is no such view, or it cannot be made of them.
    """
    name = f"shape {tuple(shape)}"
    spec = specs.DataSpec(name, {"x": specs.Field("image", tuple(shape), "uint8")})
    black = ArrayDataset(spec, "", {"x": np.zeros((1, *shape), np.uint8)})
    return (_view(black, view, np.zeros(1, np.int64)) if view else black.x).shape[1:]


def _domains(name: str, split: str, modelled: str, fields: dict[str, np.ndarray], classes: int) -> ArrayDataset:
    image = lambda x: specs.image(*x.shape[1:])
    kinds = {key: image(values) if values.ndim == 4 else specs.label(classes) for key, values in fields.items()}
    return ArrayDataset(specs.DataSpec(name, kinds, modelled), split, fields)


def _images(name: str, split: str, data_dir: str | os.PathLike | None) -> ArrayDataset:
    dataset = catalog.load(name, split, data_dir=data_dir)
    if dataset.spec.field.kind != "image":
        raise UserError(f"data set {name} holds no images: translation needs them")
    return dataset


def _view(images: ArrayDataset, view: str, rows: np.ndarray) -> np.ndarray:
    if view not in VIEWS:
        raise UserError(f"there is no view '{view}' of {images.name}: choose one of {', '.join(VIEWS)}")
    if view == "coloured" and images.x.shape[3] != 1:
        raise UserError(f"images of {images.name} have colours already: choose another view")
    chunks = np.array_split(rows, len(rows) // _CHUNK + 1)
    try:
        return np.concatenate([VIEWS[view](images.x[chunk], chunk) for chunk in chunks])
    except ValueError as error:
        raise UserError(f"there is no view '{view}' of {images.name}: {error}") from None
