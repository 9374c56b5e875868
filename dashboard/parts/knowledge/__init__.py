"""The parts of the Knowledge page: what it shows, and the reads behind that."""
