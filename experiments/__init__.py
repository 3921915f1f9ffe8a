"""The commands, and one file a family that pairs its default config with its step; `parts` is what both are built from."""
