"""The settings of training that all experiments share."""

from genjax_models.core.optional import optional
from genjax_models.training.settings import (
    BELOW_ONE,
    POSITIVE,
    SEED,
    Open,
    Range,
    Section,
    Setting,
    at_least,
    defaults,
    one_of,
)

with optional("train"):
    from ml_collections import ConfigDict

MULTIPLIERS: Range = (
    "pairs (regular expression, factor of at least 0)",
    lambda pairs: all(isinstance(pattern, str) and 0 <= factor < float("inf") for pattern, factor in pairs),
)

SCHEDULE: Section = {
    "name": Setting("constant", "shape of the learning rate over the run: constant, linear, cosine or inverse_sqrt"),
    "warmup_steps": Setting(0, "updates over which the rate rises from 0", at_least(0), smoke=5),
    "final": Setting(0.0, "fraction of the peak at which linear and cosine end", at_least(0)),
}

OPTIMIZER: Section = {
    "name": Setting("adamw", "adam, adamw, rmsprop or sgd; or any optimiser of optax by its path, such as optax.lion"),
    "learning_rate": Setting(3e-4, "at its peak; 0 keeps the parameters as they are", at_least(0)),
    "multipliers": Setting((), "of the rate, by parameter path: pairs (regular expression, factor)", MULTIPLIERS),
    "options": Open({}, "of an optimiser named by its path, which takes none of the next four fields"),
    "b1": Setting(0.9, "decay of the first moment; momentum of rmsprop and sgd", BELOW_ONE),
    "b2": Setting(0.999, "decay of the second moment", BELOW_ONE),
    "eps": Setting(1e-8, "added to the root of the second moment", POSITIVE),
    "weight_decay": Setting(0.0, "decoupled, of adamw alone; not of biases and scales", at_least(0)),
    "clip_norm": Setting(1.0, "largest global norm of a gradient; 0: no clipping", at_least(0)),
    "schedule": SCHEDULE,
}

EMA: Section = {
    "kind": Setting(
        "warmup",
        "average of the parameters: none, constant, warmup, power, or posthoc, whose width may be "
        "decided after training",
    ),
    "decay": Setting(0.999, "of constant and warmup, an update", BELOW_ONE),
    "sigma_rel": Setting(0.1, "relative width of power, and of posthoc, which may change after training", POSITIVE),
    "snapshot_every": Setting(500, "steps between the snapshots of posthoc", at_least(0)),
}

TRAINING: Section = {
    "seed": Setting(0, "of parameters, noise and the order of the data", SEED),
    "steps": Setting(10_000, "of training", at_least(1), smoke=20),
    "batch_size": Setting(128, "examples a step over all devices and processes", at_least(1), smoke=16),
    "accumulate": Setting(1, "microbatches a step", at_least(1)),
    "compute_dtype": Setting(
        "float32",
        "of the networks that sections name; parameters and optimisers stay float32",
        one_of("float32", "bfloat16"),
    ),
    "flip": Setting(False, "mirror images at random"),
    "dequantize": Setting(False, "add uniform noise within the interval of each byte"),
    "nonfinite": Setting("stop", "what to do when a loss or a gradient is not finite", one_of("stop", "skip")),
    "optimizer": OPTIMIZER,
    "ema": EMA,
    "parallel": {
        "mode": Setting("jit", "how a step is mapped over devices", one_of("jit", "shard_map", "pmap")),
        "fsdp": Setting(False, "shard large parameters over the devices; in mode jit"),
    },
    "log_every": Setting(50, "steps between logged metrics", at_least(1), smoke=5),
    "sample_every": Setting(1_000, "steps between previews; 0: only at the end", at_least(0), smoke=10),
    "checkpoint_every": Setting(1_000, "steps between checkpoints; 0: only at the end", at_least(0), smoke=10),
    "keep_last": Setting(2, "checkpoints that are kept", at_least(1)),
    "keep_best": {
        "count": Setting(0, "checkpoints that are kept beside the last ones", at_least(0)),
        "metric": Setting("loss", "by which logged metric they are chosen"),
        "mode": Setting("min", "whether a small or a large value is best", one_of("min", "max")),
    },
}
"""The section `config.train`. `genjax_models.training` uses every field except `flip` and `dequantize`, which the
experiment's objective uses when it turns stored values into model values, and `compute_dtype`, which networks are built
with."""


def training_config() -> ConfigDict:
    """The defaults of the section `config.train`; an experiment's default config starts from them."""
    return defaults(TRAINING)


def optimizer_config() -> ConfigDict:
    """The defaults of one optimiser; a second player gets a section of its own."""
    return defaults(OPTIMIZER)
