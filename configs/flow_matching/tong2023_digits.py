r"""Flow matching with minibatch optimal transport (OT-CFM) on 8x8 digits.

Paper: Tong et al., Improving and Generalizing Flow-Based Generative Models with Minibatch OT, 2023, https://arxiv.org/abs/2302.00482
Command: python -m experiments.train --workdir=runs/otcfm_digits \
    --config=configs/flow_matching/tong2023_digits.py
Expected: Fréchet distance 17.3 at one Euler step, where independent pairs reach 260, and 2.6 at 50 (750 samples,
    seed 0, digits features; real images against real 3.2); 80 seconds on two x86-64 cores.
Variants: `:conditional` on the class, `:smoke` within a minute, or both with a comma.
"""

from ml_collections import ConfigDict

from configs.flow_matching import lipman2023_digits
from experiments.config.variants import with_variant


def get_config(variant: str = "") -> ConfigDict:
    """The config, after its variants: independent pairs replaced by the optimal ones of each batch."""
    config = lipman2023_digits.get_config()
    config.coupling = "minibatch_ot"
    config.expected.update({"steps": 1, "value": 17.3})
    return with_variant(config, variant)
