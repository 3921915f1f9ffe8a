"""From a config to objects: networks, variants, and the recipes on which methods are compared."""
