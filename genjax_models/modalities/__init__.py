"""Kinds of data: how stored values become model values and back, what a preview shows, which files samples go to.

The modelled field of a data set has a kind; `modality_of` gives its modality. A new kind of data is one more
`Modality` in `MODALITIES`.
"""

from genjax_models.core.errors import UserError
from genjax_models.data.spec import DataSpec
from genjax_models.modalities.image import IMAGE
from genjax_models.modalities.modality import Modality as Modality
from genjax_models.modalities.points import POINTS
from genjax_models.modalities.tokens import TOKENS
from genjax_models.modalities.vector import VECTOR
from genjax_models.modalities.video import VIDEO
from genjax_models.modalities.waveform import WAVEFORM

MODALITIES = {modality.name: modality for modality in (IMAGE, VECTOR, TOKENS, WAVEFORM, VIDEO, POINTS)}
"""By the kind of the modelled field."""


def modality_of(spec: DataSpec) -> Modality:
    """What the modelled field of a data set is.

    Raises:
      UserError: if its kind has no modality, such as a label or a mask.
    """
    if spec.field.kind not in MODALITIES:
        known = ", ".join(MODALITIES)
        raise UserError(
            f"data set {spec.name}: its modelled field {spec.modelled!r} is of kind {spec.field.kind!r}; "
            f"kinds that can be modelled are: {known}"
        )
    return MODALITIES[spec.field.kind]
