"""Which tests and configs a run of `.ci/run` takes: those that a change reaches, and a share that rotates."""
