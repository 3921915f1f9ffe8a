"""Image to image: pix2pix, super-resolution, CycleGAN."""

from experiments.image_translation.experiment import FIELDS as FIELDS
from experiments.image_translation.experiment import TASKS as TASKS
from experiments.image_translation.experiment import build as build
from experiments.image_translation.experiment import get_config as get_config
