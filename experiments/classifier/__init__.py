"""Classifiers of images, clean and noisy."""

from experiments.classifier.clean import FIELDS as FIELDS
from experiments.classifier.clean import TASKS as TASKS
from experiments.classifier.clean import build as build
from experiments.classifier.clean import get_config as get_config
