"""A family as another package would bring it: its modality, data set, condition, network, loss, sampler and evaluator.

Nothing in the library knows of it. Its experiment, `plackett_luce.py`, adds the entries of the library's tables.
"""
