r"""Flow matching on emoji of 32x32 pixels, conditioned on the category and on the caption.

Papers: Lipman et al., Flow Matching for Generative Modeling, 2023, https://arxiv.org/abs/2210.02747; guidance with a
    scale for each condition: Brooks et al., InstructPix2Pix, 2023, https://arxiv.org/abs/2211.09800
Data: python -m genjax_models.data fetch emoji_32 && python -m genjax_models.data fetch minilm
Command: python -m experiments.train --workdir=runs/fm_emoji_32 --config=configs/flow_matching/lipman2023_emoji_32.py
Time: 20 minutes on two x86-64 cores that about ten other jobs shared; 0.3 s a step when they paused.
Expected: Fréchet distance 15.1, class accuracy 0.73 with --config.sample.guidance=3, 29.4 and 0.54 without guidance
    (312 samples under the conditions of the held-out pictures, 20 Euler steps, seed 0, emoji_32 features; real training
    images 5.9, class accuracy of real held-out images 0.77), see docs/conditions.md.
Otherwise here: each field is dropped in a tenth of the examples, and both in another tenth (Brooks et al.: a
    twentieth), since a short run sees few of them; the learning rate stays, so that a run can go on with more steps.
Variants: `:conditional` on the class alone, `:smoke` within a minute, or both with a comma.
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
    config.expected = ConfigDict(
        {"sampler": "euler", "steps": 20, "guidance": 3.0, "metric": "Fréchet distance", "value": 15.1, "n": 312}
    )
    return with_variant(config, variant)
