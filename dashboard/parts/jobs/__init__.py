"""The parts of the Jobs page: what it shows, and the reads behind that."""
