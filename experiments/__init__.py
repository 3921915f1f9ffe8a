"""The commands `train`, `evaluate` and `sample`, and one file a family that pairs its default config with its step."""
