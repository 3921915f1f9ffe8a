"""Dense networks over vectors or flattened images."""
