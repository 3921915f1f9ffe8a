"""Every test runs on four devices, with implicit rank promotion forbidden.

Compiling is what most of the suite's time goes into, so XLA is asked for little optimisation and for its older, faster
code generator. Tests that start processes of their own run what users run.
"""

import os

import jax

jax.config.update("jax_num_cpu_devices", 4)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_disable_most_optimizations", True)

flags = os.environ.get("XLA_FLAGS")
os.environ["XLA_FLAGS"] = f"{flags or ''} --xla_cpu_use_fusion_emitters=false"
jax.devices()  # reads the flags
if flags is None:
    del os.environ["XLA_FLAGS"]
else:
    os.environ["XLA_FLAGS"] = flags
