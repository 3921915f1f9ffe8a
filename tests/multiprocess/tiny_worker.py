"""One of several processes that train together: `tiny_worker.py ID COUNT ADDRESS DEVICES WORKDIR name=<JSON> ...`."""

import sys
from pathlib import Path

import jax
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

from tiny import make_config, make_data, make_experiment, settings_of

from genjax_models.training import parallel
from genjax_models.training.loop import Hook, fit


def main(index, count, address, devices, workdir, *arguments):
    jax.config.update("jax_num_cpu_devices", int(devices))
    parallel.initialize_distributed(address, int(count), int(index))
    parallel.FSDP_MIN_SIZE = 64  # so that the tiny network has something to split
    config = make_config(**settings_of(arguments))
    data = make_data(config, process_index=jax.process_index(), process_count=jax.process_count())
    whole = parallel.compile_fn(lambda state: state.params["model"]["out"]["kernel"].T)

    def measure(step, state, log):
        """What a preview does: compute with the parameters and bring the result to the host."""
        return {"norm": float(np.linalg.norm(parallel.to_host(whole(state))))}

    fit(make_experiment(config), config, workdir, data, hooks=[Hook(0, measure)])


if __name__ == "__main__":
    main(*sys.argv[1:])
