"""The parts of the Price check page: what it shows, and the reads behind that."""
