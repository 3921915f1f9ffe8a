"""The commands, and a file for each family that pairs its default config with its step, built from `parts`."""
