"""Train what a config describes.

    python -m experiments.train --config=configs/<family>/<paper>_<dataset>.py --workdir=runs/<name>

`JAX_NUM_PROCESSES` and `JAX_PROCESS_ID` set, or `JAX_COORDINATOR_ADDRESS=auto` on a TPU pod.
"""

from experiments.run import command
from experiments.run.training import train
from genjax_models.training import parallel


def main() -> None:
    """Train, or go on training, until `config.train.steps`."""
    config, workdir = command.read_config(), command.workdir()
    parallel.initialize_distributed()
    parallel.enable_compilation_cache()
    train(config, workdir)


if __name__ == "__main__":
    command.run(main)
