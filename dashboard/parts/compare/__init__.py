"""The parts of the Compare page: what it shows, and the reads behind that."""
