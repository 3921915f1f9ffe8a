"""Types and array helpers that every other room may import; imports nothing of ours."""
