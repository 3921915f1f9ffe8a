"""`load`: a data set by name."""

from genjax_models.core.errors import UserError
from genjax_models.data.arrays import ArrayDataset
from genjax_models.data.digits import load_digits

SPLITS = ("train", "test")


def load(name: str, split: str = "train", *, data_dir: str | None = None) -> ArrayDataset:
    """Reads one split of a data set into memory."""
    if split not in SPLITS:
        raise UserError(f"data set {name} has no split '{split}': choose one of {', '.join(SPLITS)}")
    if name == "digits":
        return load_digits(split)
    raise UserError(f"data set {name} is not known: run `python -m genjax_models.data list`")
