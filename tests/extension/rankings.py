"""Rankings: a kind of data with file formats of its own, and a generated set of them.

A ranking of K items is stored as their numbers, the first place first. A voter $u$ draws the places in order, from the
items that are left, with probabilities proportional to the exponentials of their scores $u W + b$.
"""

import csv
import json

import numpy as np

from genjax_models.data.arrays import ArrayDataset
from genjax_models.data.spec import DataSpec, Field, vector
from genjax_models.modalities.modality import Modality, write_arrays

NAMES = ("apple", "bread", "cheese", "dates")
WEIGHTS = np.array([[1.0, -0.5, 0.0, -0.5], [0.0, 0.5, -1.0, 0.5]])
BIAS = np.array([0.5, 0.0, 0.0, -0.5])
SIZES = {"train": 4000, "test": 1000}


def ranking(names):
    """A field of rankings `[K]` of named items."""
    return Field("ranking", (len(names),), "int32", size=len(names), names=names)


def spec(name="rankings"):
    """Rankings of four foods, and two numbers that describe the voter."""
    return DataSpec(name, {"x": ranking(NAMES), "voter": vector(2)})


def read(name, split, folder):
    """Voters from the normal distribution and their rankings, the same ones at each call."""
    generator = np.random.default_rng(list(SIZES).index(split))
    voter = generator.normal(size=(SIZES[split], 2))
    weights = np.exp(voter @ WEIGHTS + BIAS)
    x = np.array([generator.choice(4, 4, replace=False, p=row / row.sum()) for row in weights], np.int32)
    return ArrayDataset(spec(name), split, {"x": x, "voter": voter.astype(np.float32)})


def write_json(stored, path, field):
    """A list of lists of names."""
    path.write_text(json.dumps([[field.names[item] for item in row] for row in stored.tolist()]))


def write_csv(stored, path, field):
    """A column a place, a line a ranking, of names."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([f"place {place + 1}" for place in range(field.shape[0])])
        writer.writerows([field.names[item] for item in row] for row in stored.tolist())


RANKING = Modality(
    "ranking",
    lambda field: {".json": write_json, ".csv": write_csv, ".npz": write_arrays},
    preview_num=8,
)
