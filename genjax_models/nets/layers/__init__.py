"""What networks are built from: layers, embeddings and what they share; none is a network by itself."""
