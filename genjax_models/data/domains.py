"""Two domains of images for translation between them, made of one data set: aligned pairs, or two heaps.

A batch has the fields `x` (domain A), `y` (domain B), `label` (of `x`) and `label_y`. Domain B of a paired set holds
the images themselves and A a view of each (`views`); an unpaired set has the images of its even rows in A, and a view
of its odd rows in B: no image is in both.
"""

import os
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from genjax_models.core.errors import UserError
from genjax_models.data import catalog, views
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


class DomainDataset(NamedTuple):
    """One split of both domains, in memory; `batches` and `epoch` take it.

    Attributes:
      name: of the set and its view.
      split: `train` or `test`.
      x: domain A, `uint8` `[N, H, W, C]`.
      y: domain B, `uint8` `[N, H', W', C']`; of unpaired domains its order has nothing to do with that of `x`.
      label: of `x`, `int32` `[N]`; all zero where the set has no classes.
      label_y: of `y`.
      num_classes: how many classes there are; 0 for none.
    """

    name: str
    split: str
    x: np.ndarray
    y: np.ndarray
    label: np.ndarray
    label_y: np.ndarray
    num_classes: int

    @property
    def size(self) -> int:
        """The number of examples, N (`len` of a named tuple counts its fields)."""
        return len(self.label)

    def take(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """The batch `{"x", "y", "label", "label_y"}` of the examples `rows` `[B]`."""
        return {"x": self.x[rows], "y": self.y[rows], "label": self.label[rows], "label_y": self.label_y[rows]}


def paired(name: str, view: str, split: str = "train", *, data_dir: str | os.PathLike | None = None) -> DomainDataset:
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
    return DomainDataset(f"{name}:{view}", split, x, images.x, images.label, images.label.copy(), images.num_classes)


def unpaired(name: str, view: str, split: str = "train", *, data_dir: str | os.PathLike | None = None) -> DomainDataset:
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
        a = images._replace(x=images.x[even], label=images.label[even])
        b = images._replace(x=_view(images, view, odd), label=images.label[odd])
    else:
        a, b = (_images(name, f"{split}{domain}", data_dir) for domain in "AB")
    if a.x.shape[1:3] != b.x.shape[1:3]:
        raise UserError(
            f"the domains of {name}:{view} have images of {a.x.shape[1]}x{a.x.shape[2]} and "
            f"{b.x.shape[1]}x{b.x.shape[2]} pixels: unpaired translation keeps the size, choose another view"
        )
    size = max(a.size, b.size)
    rows_a, rows_b = np.arange(size) % a.size, np.arange(size) % b.size
    return DomainDataset(
        f"{name}:{view}", split, a.x[rows_a], b.x[rows_b], a.label[rows_a], b.label[rows_b], a.num_classes
    )


def view_shape(shape: tuple[int, ...], view: str) -> tuple[int, ...]:
    """The `(H, W, C)` of a view of images of such a shape; an empty view is the images' own.

    Raises:
      UserError: if there is no such view, or it cannot be made of them.
    """
    black = ArrayDataset(f"shape {tuple(shape)}", "", np.zeros((1, *shape), np.uint8), np.zeros(1, np.int32), 0)
    return (_view(black, view, np.zeros(1, np.int64)) if view else black.x).shape[1:]


def _images(name: str, split: str, data_dir: str | os.PathLike | None) -> ArrayDataset:
    dataset = catalog.load(name, split, data_dir=data_dir)
    if dataset.x.dtype != np.uint8 or dataset.x.ndim != 4:
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
