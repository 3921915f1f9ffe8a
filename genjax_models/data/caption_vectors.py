"""Captions of image sets, and their sentence vectors, which are computed once and kept beside the prepared set.

`memory_text_<split>.npz` holds the vectors, the captions that they belong to, the encoder's SHA-256 and a fingerprint
of the prepared set. Another encoder or other captions make it stale, and it is made anew; a set that was copied or
prepared again with the same captions keeps it. While it is valid, neither the encoder nor its libraries are needed.
"""

from pathlib import Path

import numpy as np
from absl import logging

from genjax_models.core.errors import UserError
from genjax_models.data.arrays import ArrayDataset
from genjax_models.data.encoders import ENCODERS, sentence_encoder, sentence_field
from genjax_models.data.prepared import PreparedSource, fingerprint, read_into_memory, write_aside

ENCODER = "minilm"


class CaptionSource(PreparedSource):
    """One split of a prepared set with captions; of each example its caption alone."""

    def __init__(self, name: str, split: str, folder: Path):
        super().__init__(name, split, folder)
        if "caption" not in self._features:
            raise UserError(f"data set {name} has no captions: its features are {', '.join(self._features)}")

    def _decode(self, example: dict) -> np.ndarray:
        return np.array(example["caption"].decode())


def read_captions(name: str, split: str, folder: Path) -> list[str]:
    """The captions of one split of the set prepared in `folder`, in the order of its examples."""
    source = CaptionSource(name, split, folder)
    return source.take(np.arange(source.size))["x"].tolist()


def load_captioned(name: str, split: str, folder: Path, *, text: bool) -> ArrayDataset:
    """One split of the image set prepared in `folder`; with `text` the field of that name is added to it.

    Args:
      name: of the set.
      split: of the set.
      folder: as `find_prepared` gives it.
      text: whether to add the vectors of the captions, `float32` `[N, 384]`.

    Raises:
      UserError: as `read_into_memory`; with `text`, if the vectors are not there and the encoder was not fetched.
    """
    dataset = read_into_memory(name, split, folder)
    if not text:
        return dataset
    spec = dataset.spec._replace(fields={**dataset.spec.fields, "text": sentence_field(ENCODER)})
    return dataset._replace(spec=spec, fields={**dataset.fields, "text": _vectors(name, split, folder)})


def _vectors(name: str, split: str, folder: Path) -> np.ndarray:
    cache, now, encoder = folder / f"memory_text_{split}.npz", fingerprint(folder), ENCODERS[ENCODER].sha256
    kept: dict[str, np.ndarray] = {}
    if cache.exists():
        try:
            with np.load(cache, allow_pickle=False) as arrays:  # checks the CRC of each member
                kept = {key: arrays[key] for key in ("text", "captions", "encoder", "fingerprint")}
            if str(kept["encoder"]) == encoder and str(kept["fingerprint"]) == now:
                return kept["text"]
        except Exception as error:  # a damaged zip file raises whatever its bytes lead to
            logging.warning("%s is damaged (%s): encoding the captions again", cache, error)
            kept = {}
    captions = read_captions(name, split, folder)
    if kept and str(kept["encoder"]) == encoder and kept["captions"].tolist() == captions:
        text = kept["text"]
    else:
        root = folder.parents[len(Path(name).parts)]
        logging.info("encoding the %d captions of %s, split %s, once", len(captions), name, split)
        text = sentence_encoder(ENCODER, data_dir=root).encode(captions)
    write_aside(cache, {"text": text, "captions": np.array(captions), "encoder": encoder, "fingerprint": now})
    return text
