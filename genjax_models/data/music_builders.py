"""TFDS builders of music, one example a split; see `genjax_models.data.builders`."""

from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from genjax_models.core.optional import optional
from genjax_models.data import chorales
from genjax_models.data.builders import Examples

with optional("music"):
    from music21 import converter


class Chorales(tfds.core.GeneratorBasedBuilder):
    """Bach's chorales in four voices, from the PyPI package music21 10.5.1 (see `data.chorales`)."""

    name = "chorales"
    VERSION = tfds.core.Version("1.0.0")
    code_path = None
    MANUAL_DOWNLOAD_INSTRUCTIONS = "music21/corpus/bach/bwv*.mxl, from the PyPI package music21 10.5.1"

    def _info(self) -> tfds.core.DatasetInfo:
        voices = tfds.features.Tensor(shape=(None, len(chorales.VOICES) + 1), dtype=np.uint8)
        features = tfds.features.FeaturesDict({"voices": voices})
        return tfds.core.DatasetInfo(builder=self, description=type(self).__doc__, features=features)

    def _split_generators(self, dl_manager: Any) -> dict[str, Examples]:
        files = sorted(dl_manager.manual_dir.glob("*.mxl"))
        scores = {file.name: chorales.voices_of(converter.parse(str(file), forceSource=True)) for file in files}
        found = chorales.without_copies({name: tokens for name, tokens in scores.items() if tokens is not None})
        splits = chorales.split_works(list(found))
        return {
            split: iter([(0, {"voices": chorales.joined([found[name] for name in names])})])
            for split, names in splits.items()
        }

    def _generate_examples(self) -> Examples:
        raise NotImplementedError  # abstract in TFDS; `_split_generators` returns the generators themselves
