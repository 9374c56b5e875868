"""The parts of the Data need page: what it shows, and the reads behind that."""
