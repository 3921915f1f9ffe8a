"""One room a family: pure losses and samplers over plain callables; no networks, no jit, no I/O."""
