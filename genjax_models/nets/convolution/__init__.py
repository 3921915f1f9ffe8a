"""Convolutional networks from one image to another, at one or few resolutions."""
