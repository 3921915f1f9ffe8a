"""The config of the extension: scores linear in the voter, on 4,000 rankings.

Paper: Plackett, The Analysis of Permutations, 1975
Data: generated
Command: PYTHONPATH=tests python -m experiments.train --config=tests/extension/plackett1975_rankings.py --workdir=runs/a
Variants: `:smoke`, a second.
"""

from experiments.config.variants import with_variant
from extension import plackett_luce


def get_config(variant=""):
    """The config, after its variants."""
    return with_variant(plackett_luce.get_config(), variant)
