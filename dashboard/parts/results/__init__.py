"""The parts of the Results page: what it shows, and the reads behind that."""
