"""Transformers over patches of images and over sequences."""
