"""The parts of the Leaks page: what it shows, and the reads behind that."""
