"""The parts of the Data page: what it shows, and the reads behind that."""
