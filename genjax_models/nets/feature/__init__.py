"""Classifiers whose hidden layers are the features of metrics."""
