"""The parts of the Trade-offs page: what it shows, and the reads behind that."""
