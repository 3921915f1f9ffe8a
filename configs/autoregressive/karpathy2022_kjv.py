r"""A character-level transformer of the King James Bible: nanoGPT's recipe for a CPU.

Four layers, four heads, width 128, context 64; 2,000 steps of 12 windows. Not as in nanoGPT: the first character of a
window is modelled too, from a begin token; the table of embeddings and the output layer are separate; Xavier
initialisation with zeros at the output; parameters are averaged.

Source: Karpathy, nanoGPT, 2022, https://github.com/karpathy/nanoGPT (README, quick start: "I only have a macbook")
Data: python -m genjax_models.data fetch kjv
Command: python -m experiments.train --workdir=runs/karpathy2022_kjv \
    --config=configs/autoregressive/karpathy2022_kjv.py
Expected: 2.328 ± 0.007 bits/character (kind exact; n 3267 windows, the whole test split; seed 0), 2.382 ± 0.006 on the
    validation split; 429 s on two x86-64 cores that about ten other processes shared. (nanoGPT states 1.88 nats, that
    is 2.71 bits, for the validation loss of this recipe on another text, Shakespeare.)
Variants: `:smoke` within a minute.
"""

from ml_collections import ConfigDict

from experiments import autoregressive
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.nanogpt(autoregressive.get_config())
    config.data.length = 64
    config.expected = ConfigDict({"metric": "bits/character", "kind": "exact", "value": 2.328, "n": 3267})
    return with_variant(config, variant)
