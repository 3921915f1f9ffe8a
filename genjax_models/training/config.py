"""The settings of training that all experiments share."""

from genjax_models.core.optional import optional

with optional("train"):
    from ml_collections import ConfigDict


def training_config() -> ConfigDict:
    """The defaults of the section `config.train`; an experiment's default config starts from them.

    `genjax_models.training` uses every field except `flip` and `dequantize`, which the experiment's objective uses when
    it turns stored values into model values, and `compute_dtype`, which networks are built with.
    """
    return ConfigDict(
        {
            "seed": 0,
            "steps": 10_000,
            "batch_size": 128,  # examples a step over all devices and processes
            "accumulate": 1,  # microbatches a step
            "compute_dtype": "float32",  # of every network, or "bfloat16"; parameters and optimisers stay float32
            "flip": False,  # mirror images at random
            "dequantize": False,  # add uniform noise to 8-bit data
            "nonfinite": "stop",  # or "skip": what to do when a loss or a gradient is not finite
            "optimizer": optimizer_config(),
            # A `posthoc` average is that of width sigma_rel too, but which one may be decided after training.
            "ema": {"kind": "warmup", "decay": 0.999, "sigma_rel": 0.1, "snapshot_every": 500},
            "parallel": {"mode": "jit", "fsdp": False},
            "log_every": 50,
            "sample_every": 1_000,  # 0: only at the end
            "checkpoint_every": 1_000,  # 0: only at the end
            "keep_last": 2,  # checkpoints
            "keep_best": {"count": 0, "metric": "loss", "mode": "min"},  # kept beside the last ones
        }
    )


def optimizer_config() -> ConfigDict:
    """The defaults of one optimiser; a second player gets a section of its own."""
    return ConfigDict(
        {
            "name": "adamw",  # or adam, rmsprop, sgd; or any optimiser of optax by its path, such as optax.lion
            "learning_rate": 3e-4,
            "multipliers": (),  # of the learning rate: pairs (regular expression, factor); the first found in a path
            "options": ConfigDict(),  # of an optimiser named by its path, which reads none of the next four fields
            "b1": 0.9,
            "b2": 0.999,
            "eps": 1e-8,
            "weight_decay": 0.0,
            "clip_norm": 1.0,
            "schedule": {"name": "constant", "warmup_steps": 0, "final": 0.0},
        }
    )
