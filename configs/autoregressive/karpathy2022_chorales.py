r"""A transformer of Bach's chorales, note by note in four voices: nanoGPT's recipe for a CPU, on music.

Four layers, four heads, width 128, context 256 (64 sixteenths of four voices, four bars of 4/4); 2,000 steps of 12
windows. What differs from nanoGPT is listed in `karpathy2022_kjv`.

Source: Karpathy, nanoGPT, 2022, https://github.com/karpathy/nanoGPT (README, quick start: "I only have a macbook")
Data: python -m genjax_models.data fetch chorales
Command: python -m experiments.train --workdir=runs/karpathy2022_chorales \
    --config=configs/autoregressive/karpathy2022_chorales.py
Expected: 0.739 ± 0.016 bits/token (kind exact; n 113 windows, all of the test split that fit; seed 0); 920 s on two
    x86-64 cores that a test suite shared. (A table of each voice by its last token takes 1.69, the frequencies of
    tokens alone 2.20.)
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import autoregressive
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.nanogpt(autoregressive.get_config())
    config.data = ConfigDict({"name": "chorales", "length": 64})
    config.expected = ConfigDict({"metric": "bits/token", "kind": "exact", "value": 0.739, "n": 113})
    return with_variant(config, variant)
