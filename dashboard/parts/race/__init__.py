"""The parts of the Race page: what it shows, and the reads behind that."""
