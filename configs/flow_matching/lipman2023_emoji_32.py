r"""Flow matching on emoji of 32x32 pixels, conditioned on the category and on the caption.

Papers: Lipman et al., Flow Matching for Generative Modeling, 2023, https://arxiv.org/abs/2210.02747; guidance with a
    scale for each condition: Brooks et al., InstructPix2Pix, 2023, https://arxiv.org/abs/2211.09800
Data: python -m genjax_models.data fetch emoji_32 && python -m genjax_models.data fetch minilm
Command: python -m experiments.train --workdir=runs/fm_emoji_32 --config=configs/flow_matching/lipman2023_emoji_32.py
"""

from ml_collections import ConfigDict

from experiments import flow_matching
from experiments.config import recipes
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants."""
    config = recipes.emoji_32(flow_matching.get_config())
    config.condition = ("label", "text")
    config.condition_dropout.update({"each": 0.1, "together": 0.1})
    config.time.update({"name": "logit_normal", "options": ConfigDict({"mean": 0.0, "std": 1.0})})
    config.sample.steps = 20
    config.eval.update({"batch": 156, "rows": (("euler", 20),)})
    return with_variant(config, variant)
