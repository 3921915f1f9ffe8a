"""A run from outside: the command line, the state, sampling in batches, held-out scores."""
