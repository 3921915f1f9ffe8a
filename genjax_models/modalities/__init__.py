"""Kinds of data: how stored values become model values and back, what a preview shows, which files samples go to.

The modelled field of a data set has a kind; `modality_of` says what that kind means. A new kind of data is one more
`Modality` in `MODALITIES`.
"""

from genjax_models.data.spec import DataSpec
from genjax_models.modalities.image import IMAGE
from genjax_models.modalities.modality import Modality as Modality
from genjax_models.modalities.vector import VECTOR

MODALITIES = {modality.name: modality for modality in (IMAGE, VECTOR)}
"""By the kind of the modelled field."""


def modality_of(spec: DataSpec) -> Modality:
    """What the modelled field of a data set is."""
    return MODALITIES[spec.field.kind]
