"""Generators and discriminators of adversarial networks."""
