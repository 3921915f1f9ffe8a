"""One of several processes that train together: `tiny_worker.py ID COUNT ADDRESS DEVICES WORKDIR name=<JSON> ...`."""

import sys
from pathlib import Path

import jax

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

from tiny import make_config, make_data, make_experiment, settings_of

from genjax_models.training import parallel
from genjax_models.training.loop import fit


def main(index, count, address, devices, workdir, *arguments):
    jax.config.update("jax_num_cpu_devices", int(devices))
    parallel.initialize_distributed(address, int(count), int(index))
    parallel.FSDP_MIN_SIZE = 64  # so that the tiny network has something to split
    config = make_config(**settings_of(arguments))
    data = make_data(config, process_index=jax.process_index(), process_count=jax.process_count())
    fit(make_experiment(config), config, workdir, data)


if __name__ == "__main__":
    main(*sys.argv[1:])
