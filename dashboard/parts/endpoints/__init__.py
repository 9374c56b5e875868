"""The parts of the Endpoints page: what it shows, and the reads behind that."""
