"""Flow matching on 8x8 digits.

Paper: Lipman et al., Flow Matching for Generative Modeling, 2023, https://arxiv.org/abs/2210.02747
Command: python -m experiments.train --config=configs/flow_matching/lipman2023_digits.py --workdir=runs/digits
"""

from ml_collections import ConfigDict

from experiments import flow_matching


def get_config(variant: str = "") -> ConfigDict:
    config = flow_matching.get_config()
    config.train.update({"steps": 3000, "batch_size": 128})
    return config
