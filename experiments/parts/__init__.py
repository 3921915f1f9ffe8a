"""What experiments and commands are built from; a file here is neither a command nor a family."""
