"""Data sets by name, batches from memory or disk, and the preprocessing that runs on the device."""

from genjax_models.data.arrays import ArrayDataset as ArrayDataset
from genjax_models.data.catalog import captions as captions
from genjax_models.data.catalog import data_spec as data_spec
from genjax_models.data.catalog import load as load
from genjax_models.data.catalog import stream as stream
from genjax_models.data.catalog import table_scale as table_scale
from genjax_models.data.encoders import sentence_encoder as sentence_encoder
from genjax_models.data.pipeline import batches as batches
from genjax_models.data.pipeline import epoch as epoch
from genjax_models.data.prepared import ImageSource as ImageSource
