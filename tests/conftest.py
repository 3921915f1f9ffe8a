"""Every test runs on four devices, with implicit rank promotion forbidden."""

import jax

jax.config.update("jax_num_cpu_devices", 4)
jax.config.update("jax_numpy_rank_promotion", "raise")
